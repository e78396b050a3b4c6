use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rand::rngs::OsRng;
use secrecy::ExposeSecret;

use super::*;

mod credentials;

const SECRET: &str = "JWT_SECRET=ZcL2Zb1r6n9Qf0v3yT8mKx5sWd7uHpEa";
const KEYS: &str = r#"JWT_AUTH_KEYS=[{"id":"people","apiKey":"hidden-key-of-people","scopes":["Mutation:Person:*"]}]"#;

fn settings(lines: &[&str]) -> Settings {
    let pairs = lines.iter().filter_map(|line| line.split_once('='));
    Settings::from_pairs(pairs.map(|(name, value)| (name.into(), value.into())).collect()).unwrap()
}

fn config(lines: &[&str]) -> Result<Config, Error> {
    Config::from_settings(settings(lines), &mut OsRng)
}

/// The problems, each as one line; none if it starts.
fn problems(lines: &[&str]) -> Vec<String> {
    match config(lines) {
        Ok(_) => Vec::new(),
        Err(Error::Problems { problems }) => problems.iter().map(ToString::to_string).collect(),
        Err(other) => panic!("{other}"),
    }
}

/// A folder of this test alone.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("clef-config-{}-{name}", std::process::id()));
    std::fs::remove_dir_all(&folder).ok();
    folder
}

#[test]
fn secret_and_keys_are_enough() {
    let config = config(&[SECRET, KEYS]).unwrap();
    assert_eq!(config.environment, Environment::Production);
    assert_eq!((config.host.as_str(), config.port), ("0.0.0.0", 4000));
    assert_eq!(config.database_url.expose_secret(), "sqlite://data/clef.db?mode=rwc");
    assert_eq!(config.auth.lifetime, Duration::from_hours(24));
    assert_eq!(config.auth.issuer, "https://trompamusic.eu");
    assert!(config.auth.audience.is_empty() && config.notices.is_empty());
    assert!(config.development_keys.is_none());
}

#[test]
fn each_setting_is_read() {
    let config = config(&[
        SECRET,
        KEYS,
        "HOST=::1",
        "PORT=0",
        "DATABASE_URL=sqlite://d/c.db",
        "SCHEMA_DIR=src",
        "PUBLIC_URL=https://api.example.org/",
        "JWT_EXPIRES=3600",
        "JWT_ISSUER=https://example.org",
        "JWT_AUDIENCE=one, two",
        "JWT_LEEWAY=1m",
        "JWT_TYPE=at+jwt, JWT",
        "MAX_BODY_BYTES=2048",
        "MAX_BATCH=3",
        "MAX_PERSISTED_BYTES=0",
        "MAX_CONNECTIONS=9",
        "REQUEST_TIMEOUT=2s",
        "SHUTDOWN_DELAY=3s",
        "METRICS_ADDRESS=127.0.0.1:9464",
        "RATE_LIMIT_JWT=off",
        "RATE_LIMIT_ANONYMOUS=50/s,100",
        "TRUSTED_PROXIES=10.0.0.0/8,::1",
        "FORWARDED_HEADER=forwarded",
        "MAX_SOCKETS=5",
        "MAX_SOCKETS_PER_ADDRESS=4",
        "MAX_OPERATIONS_PER_SOCKET=3",
        "SOCKET_PING_INTERVAL=7s",
        "ALLOWED_ORIGINS=https://a.org, http://localhost:3000",
        "RUST_LOG=clef=debug",
        "CLEF_ENV=development",
    ])
    .unwrap();
    assert_eq!((config.host.as_str(), config.port), ("::1", 0));
    assert_eq!(config.schema, SchemaSource::Folder("src".into()));
    assert_eq!(config.public_url.as_deref(), Some("https://api.example.org"));
    assert_eq!(config.auth.lifetime, Duration::from_hours(1));
    assert_eq!(config.auth.issuer, "https://example.org");
    assert_eq!(config.auth.audience, ["one", "two"]);
    let minute = Duration::from_mins(1);
    assert_eq!(config.auth.leeway, auth::Leeway { before: minute, after: minute });
    assert_eq!(config.auth.token_types, [auth::TokenType::AccessToken, auth::TokenType::Jwt]);
    assert_eq!((config.limits.body_bytes, config.limits.batch, config.limits.connections), (2048, 3, 9));
    assert_eq!(config.limits.persisted_bytes, 0);
    assert_eq!(config.limits.request_timeout, Duration::from_secs(2));
    let rates = &config.limits.rates;
    assert_eq!((rates.mints, rates.anonymous), (None, "50/s,100".parse().ok()));
    assert_eq!(rates.mint_failures, "10/s,20".parse().ok());
    let proxies = &config.limits.proxies;
    assert_eq!((proxies.trusted.len(), proxies.header), (2, crate::http::ForwardedHeader::Forwarded));
    let live = &config.limits.live;
    assert_eq!((live.sockets, live.sockets_per_address, live.operations), (5, 4, 3));
    assert_eq!(live.ping_interval, Duration::from_secs(7));
    assert_eq!(live.origins, ["https://a.org", "http://localhost:3000"]);
    assert_eq!(config.log_filter, "clef=debug");
    assert_eq!(config.environment, Environment::Development);
}

#[test]
fn all_problems_are_told_at_once_each_with_its_variable() {
    let found = problems(&[
        "JWT_SECRET=not-so-secret",
        "JWT_AUTH_KEYS=[{]",
        "CLEF_ENV=staging",
        "PORT=70000",
        "JWT_EXPIRES=soon",
        "JWT_LEEWAY=1h",
        "JWT_TYPE=JWS",
        "DATABASE_URL=mysql://u:hidden@h/d",
        "SCHEMA_DIR=/nowhere",
        "PUBLIC_URL=example",
        "MAX_BODY_BYTES=1MB",
        "MAX_BATCH=0",
        "MAX_PERSISTED_BYTES=-1",
        "REQUEST_TIMEOUT=x",
        "RATE_LIMIT_JWT=fast",
        "RATE_LIMIT_JWT_FAILURES=1",
        "RATE_LIMIT_ANONYMOUS=1/d",
        "TRUSTED_PROXIES=10.0.0.0/8, here",
        "FORWARDED_HEADER=Via",
        "AUDIT_TABLE=yes",
        "EXPLORER=1",
        "MAX_SOCKETS=0",
        "SOCKET_PING_INTERVAL=1d",
        "ALLOWED_ORIGINS=https://a.org/path",
        "RUST_LOG=a=b=c",
    ]);
    let variables: Vec<_> = found.iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(
        variables,
        [
            "CLEF_ENV",
            "DATABASE_URL",
            "SCHEMA_DIR",
            "PORT",
            "PUBLIC_URL",
            "MAX_BODY_BYTES",
            "MAX_BATCH",
            "MAX_PERSISTED_BYTES",
            "REQUEST_TIMEOUT",
            "RATE_LIMIT_JWT",
            "RATE_LIMIT_JWT_FAILURES",
            "RATE_LIMIT_ANONYMOUS",
            "TRUSTED_PROXIES",
            "FORWARDED_HEADER",
            "MAX_SOCKETS",
            "SOCKET_PING_INTERVAL",
            "ALLOWED_ORIGINS",
            "AUDIT_TABLE",
            "EXPLORER",
            "RUST_LOG",
            "JWT_AUTH_KEYS",
            "JWT_SECRET",
            "JWT_EXPIRES",
            "JWT_LEEWAY",
            "JWT_TYPE",
        ]
    );
    assert!(!found.concat().contains("hidden"), "{found:?}");
}

#[test]
fn a_key_list_is_wrong_at_a_place() {
    let cases = [
        ("[", "is no JSON from line 1, column 1 on"),
        ("[\n{\"id\": }]", "is no JSON from line 2, column 8 on"),
        ("{}", "is no array"),
        ("[]", "lists no key"),
        ("[1]", "[0] is no object"),
        (r#"[{"apiKey":"a","scopes":["*"]}]"#, "[0].id is missing"),
        (r#"[{"id":"a","apiKey":"","scopes":["*"]}]"#, "[0].apiKey is empty"),
        (r#"[{"id":"a","apikey":"a","scopes":["*"]}]"#, "[0].apiKey is missing"),
        (r#"[{"id":1,"apiKey":"a","scopes":["*"]}]"#, "[0].id is no string"),
        (r#"[{"id":"a","apiKey":"a"}]"#, "[0].scopes is missing"),
        (r#"[{"id":"a","apiKey":"a","scopes":[]}]"#, "[0].scopes is empty"),
        (r#"[{"id":"a","apiKey":"a","scopes":"*"}]"#, "[0].scopes is no array"),
        (r#"[{"id":"a","apiKey":"a","scopes":["*",1]}]"#, "[0].scopes[1] is no string"),
        (r#"[{"id":"a","apiKey":"a","scopes":["*","!x"]}]"#, "[0].scopes[1] `!x` starts with `!`"),
        (r#"[{"id":"a","apiKey":"a","scopes":["*"]},{"id":"a","apiKey":"b","scopes":["*"]}]"#, "[1].id `a` is another"),
        (r#"[{"id":"a","apiKey":"ChangeMe","scopes":["*"]}]"#, "[0].apiKey is a published sample"),
        (r#"[{"id":"a","apiKey":"a","scopes":["*"],"expires":"x"}]"#, "[0].expires is unknown"),
        (r#"[{"id":"a","apiKey":"a","scopes":["*"],"expiresAt":"2027-01-31"}]"#, "[0].expiresAt is no time"),
        (r#"[{"id":"a","apiKey":"a","scopes":["*"],"disabled":"no"}]"#, "[0].disabled is neither true nor false"),
        (r#"[{"id":"a","apiKey":"a","scopes":["*"],"maxTtl":"soon"}]"#, "[0].maxTtl is no time span"),
        (r#"[{"id":"a","apiKey":"a","apiKeyHash":"b","scopes":["*"]}]"#, "[0].apiKeyHash stands beside apiKey"),
        (r#"[{"id":"a","apiKeyHash":"b","scopes":["*"]}]"#, "[0].apiKeyHash is neither"),
        (r#"[{"id":"a","apiKeys":[],"scopes":["*"]}]"#, "[0].apiKeys lists 0 keys"),
        (r#"[{"id":"a","apiKeys":["a"],"scopes":["*"]}]"#, "[0].apiKeys[0] is no object"),
        (
            r#"[{"id":"a","apiKeys":[{"apiKey":"a"},{"expiresAt":1,"apiKey":"b"}],"scopes":["*"]}]"#,
            "[0].apiKeys[1].expiresAt is no",
        ),
    ];
    for (list, expected) in cases {
        let found = problems(&[SECRET, &format!("JWT_AUTH_KEYS={list}")]);
        assert_eq!(found.len(), 1, "{list}: {found:?}");
        assert!(found[0].starts_with(&format!("JWT_AUTH_KEYS: {expected}")), "{list}: {found:?}");
    }
    let both = problems(&[SECRET, r#"JWT_AUTH_KEYS=[{"id":""},{"scopes":["a"]}]"#]);
    assert_eq!(both.len(), 6, "{both:?}");
}

#[test]
fn a_weak_secret_starts_only_where_development_is_asked_for() {
    let repeated = "ab".repeat(32);
    for secret in ["not-so-secret", "secret", "CHANGEME", "short-but-quite-random-9fX2kQ", &repeated] {
        let secret = format!("JWT_SECRET={secret}");
        assert_eq!(problems(&[&secret, KEYS]).len(), 1, "{secret}");
        assert_eq!(problems(&[&secret, KEYS, "CLEF_ENV=production"]).len(), 1, "{secret}");
        let config = config(&[&secret, KEYS, "CLEF_ENV=development"]).unwrap();
        assert_eq!(config.notices.len(), 1, "{secret}");
    }
}

#[test]
fn secrets_come_together_or_not_at_all() {
    assert_eq!(problems(&[KEYS]).len(), 1, "keys without a secret");
    assert_eq!(problems(&[KEYS, "CLEF_ENV=development"]).len(), 1, "keys without a secret");
    assert_eq!(problems(&["CLEF_ENV=production"]).len(), 1, "nothing");
    assert_eq!(problems(&["JWT_SECRET=", KEYS]).len(), 1, "an empty secret is none");
    let nobody = config(&[SECRET]).unwrap();
    assert!(nobody.auth.keys.is_empty());
    assert_eq!(nobody.notices, ["JWT_AUTH_KEYS is not set: POST /jwt gives nobody a token"]);
}

#[test]
fn keys_for_development_are_made_once() {
    let folder = folder("made-once");
    let url = format!("DATABASE_URL=sqlite://{}/clef.db?mode=rwc", folder.display());
    let first = config(&[&url]).unwrap();
    let again = config(&[&url, "CLEF_ENV=development"]).unwrap();
    let keys = first.development_keys.as_ref().unwrap();
    assert_eq!(first.environment, Environment::Development);
    assert_eq!((first.host.as_str(), keys.id()), ("127.0.0.1", "dev"));
    assert_eq!(first.auth.secrets[0].key_id(), again.auth.secrets[0].key_id());
    assert!(keys.api_key.expose_secret().starts_with("clef_dev_"));
    let mode = std::fs::metadata(&keys.file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "no draft is left");
    std::fs::write(&keys.file, "{}").unwrap();
    assert!(matches!(config(&[&url]), Err(Error::Development(DevelopmentError::Malformed { .. }))));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_data_folder_is_that_of_the_database_file() {
    let cases = [
        ("sqlite://data/clef.db?mode=rwc", "data"),
        ("sqlite:///var/lib/clef/clef.db", "/var/lib/clef"),
        ("sqlite:clef.db", ""),
        ("sqlite::memory:", "data"),
    ];
    for (url, folder) in cases {
        assert_eq!(data_folder(&url.into()), Path::new(folder), "{url}");
    }
}

#[test]
fn secrets_are_not_printed() {
    let lines = [SECRET, KEYS, "DATABASE_URL=sqlite://hidden/c.db"];
    let printed = format!("{:?} {:?}", settings(&lines), config(&lines).unwrap());
    for secret in ["ZcL2Zb", "hidden"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn the_sample_file_is_complete_and_starts_no_production_server() {
    let sample = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/.env.example"));
    let lines: Vec<_> = sample.lines().collect();
    for variable in [
        "CLEF_ENV",
        "HOST",
        "PORT",
        "DATABASE_URL",
        "SCHEMA_DIR",
        "PUBLIC_URL",
        "JWT_SECRET",
        "JWT_EXPIRES",
        "JWT_ISSUER",
        "JWT_AUDIENCE",
        "JWT_AUTH_KEYS",
        "JWT_SECRET_FILE",
        "JWT_AUTH_KEYS_FILE",
        "DATABASE_URL_FILE",
        "JWT_LEEWAY",
        "JWT_TYPE",
        "MAX_BODY_BYTES",
        "MAX_BATCH",
        "MAX_PERSISTED_BYTES",
        "MAX_CONNECTIONS",
        "REQUEST_TIMEOUT",
        "RATE_LIMIT_JWT",
        "RATE_LIMIT_JWT_FAILURES",
        "RATE_LIMIT_ANONYMOUS",
        "TRUSTED_PROXIES",
        "FORWARDED_HEADER",
        "AUDIT_TABLE",
        "EXPLORER",
        "MAX_SOCKETS",
        "MAX_SOCKETS_PER_ADDRESS",
        "MAX_OPERATIONS_PER_SOCKET",
        "SOCKET_PING_INTERVAL",
        "ALLOWED_ORIGINS",
        "RUST_LOG",
    ] {
        let named = |line: &&str| line.trim_start_matches("# ").starts_with(&format!("{variable}="));
        assert!(lines.iter().any(named), "{variable}");
    }
    let pairs: Vec<_> = dotenvy::from_read_iter(sample.as_bytes()).collect::<Result<_, _>>().unwrap();
    let settings = Settings::from_pairs(pairs).unwrap();
    let Err(Error::Problems { problems }) = Config::from_settings(settings, &mut OsRng) else {
        panic!("it starts");
    };
    let variables: Vec<_> = problems.iter().map(|problem| problem.variable).collect();
    assert_eq!(variables, ["JWT_AUTH_KEYS", "JWT_SECRET"]);
}

#[test]
fn nothing_is_public_that_is_not_named() {
    let public = |value: Option<&str>| {
        let pairs = value.map(|value| ("PUBLIC_OPERATIONS".to_owned(), value.to_owned()));
        let settings = Settings::from_pairs(pairs.into_iter().collect()).unwrap();
        settings
            .grants()
            .map(|grants| (grants.public.queries, grants.public.subscriptions))
            .map_err(|it| it.to_string())
    };
    let cases = [
        (None, (true, true)),
        (Some("Query,Subscription"), (true, true)),
        (Some(" Query "), (true, false)),
        (Some("Subscription"), (false, true)),
        (Some(""), (false, false)),
        (Some("  "), (false, false)),
        (Some("none"), (false, false)),
    ];
    for (value, expected) in cases {
        assert_eq!(public(value), Ok(expected), "{value:?}");
    }
    for value in ["Mutation", "query", "Query,none", "*"] {
        assert!(public(Some(value)).is_err_and(|message| message.contains("PUBLIC_OPERATIONS")), "{value}");
    }
}

#[test]
fn settings_of_the_database_are_checked() {
    let postgres = "DATABASE_URL=postgres://clef:hidden@host/clef";
    let config = config(&[SECRET, KEYS, postgres]).unwrap();
    assert_eq!((config.database.connections, config.database.acquire_timeout), (16, Duration::from_secs(3)));
    assert!(config.database.read_url.is_none() && config.database.pooler == crate::storage::Pooler::None);
    let right = ["DATABASE_CONNECTIONS=4", "DATABASE_ACQUIRE_TIMEOUT=500ms", "DATABASE_POOLER=transaction"];
    assert_eq!(problems(&[&[SECRET, KEYS, postgres], &right[..]].concat()), [""; 0]);
    for (setting, problem) in [
        ("DATABASE_CONNECTIONS=0", "DATABASE_CONNECTIONS: `0` is no whole number from 1 to 1000"),
        ("DATABASE_ACQUIRE_TIMEOUT=1m", "DATABASE_ACQUIRE_TIMEOUT: `1m` is no time to wait"),
        ("DATABASE_POOLER=session", "DATABASE_POOLER: `session` is unknown: write `transaction`"),
        ("DATABASE_READ_URL=hidden@standby", "DATABASE_READ_URL: names no standby"),
    ] {
        let told = problems(&[SECRET, KEYS, postgres, setting]);
        assert!(told.len() == 1 && told[0].starts_with(problem) && !told[0].contains("hidden"), "{told:?}");
    }
    for setting in ["DATABASE_CONNECTIONS=4", "DATABASE_POOLER=transaction", "DATABASE_READ_URL=postgres://a/b"] {
        let told = problems(&[SECRET, KEYS, setting]);
        assert!(told.len() == 1 && told[0].contains("is for PostgreSQL"), "{told:?}");
    }
}
