//! Secrets and keys: several of them, in files, and what is told of weak ones.

use std::path::Path;

use super::*;

const HASHES: &str = r#"JWT_AUTH_KEYS=[{"id":"a","apiKeys":[
    {"apiKeyHash":"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","expiresAt":"2027-01-31T00:00:00Z"},
    {"apiKey":"0123456789abcdef"}],"scopes":["*"],"expiresAt":"2028-01-31T01:00:00+01:00","disabled":true,"maxTtl":"1h",
    "comment":"of the museum"}]"#;

fn file(folder: &Path, name: &str, text: &str) -> String {
    std::fs::create_dir_all(folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

#[test]
fn a_secret_may_be_a_list() {
    let (one, two) = ("ZcL2Zb1r6n9Qf0v3yT8mKx5sWd7uHpEa", "aEpHu7dWs5xKm8Ty3v0fQ9n6r1bZ2LcZ");
    let list = format!(r#"JWT_SECRET=["{one}", {{"kid":"2027","secret":"{two}"}}]"#);
    let secrets = config(&[&list, KEYS]).unwrap().auth.secrets;
    let kids: Vec<_> = secrets.iter().map(|secret| secret.key_id.as_deref()).collect();
    assert_eq!(kids, [None, Some("2027")]);
    let cases = [
        ("[".to_owned(), "is no JSON from line 1, column 1 on"),
        ("[]".to_owned(), "lists 0 secrets"),
        (format!(r#"["{one}",1]"#), "[1] is no secret"),
        (format!(r#"["{one}","{one}"]"#), "[1] has the kid or the secret of an entry before it"),
        (format!(r#"["{one}","not-so-secret"]"#), "[1] is a published sample"),
        (format!(r#"[{{"kid":"a b","secret":"{one}"}}]"#), "[0].kid is no name"),
        (format!(r#"[{{"id":"a","secret":"{one}"}}]"#), "[0].id is unknown"),
        (r#"[{"kid":"a"}]"#.to_owned(), "[0].secret is missing"),
    ];
    for (list, expected) in cases {
        let found = problems(&[&format!("JWT_SECRET={list}"), KEYS]);
        assert_eq!(found.len(), 1, "{list}: {found:?}");
        assert!(found[0].starts_with(&format!("JWT_SECRET: {expected}")), "{list}: {found:?}");
        assert!(!found[0].contains(one), "{found:?}");
    }
}

#[test]
fn a_key_has_hashes_an_end_and_a_limit() {
    let config = config(&[SECRET, HASHES]).unwrap();
    let key = &config.auth.keys[0];
    assert_eq!((key.expires_at, key.is_disabled, key.lifetime_seconds_max), (Some(1_832_889_600), true, Some(3600)));
    let ends: Vec<_> = key.api_keys.iter().map(|api_key| api_key.expires_at).collect();
    assert_eq!(ends, [Some(1_801_353_600), None]);
    assert!(config.notices.is_empty(), "{:?}", config.notices);
}

#[test]
fn a_short_api_key_is_told_of_in_production() {
    let short = r#"JWT_AUTH_KEYS=[{"id":"a","apiKey":"0123456789abcde","scopes":["*"]}]"#;
    let notices = config(&[SECRET, short]).unwrap().notices;
    assert_eq!(notices, ["JWT_AUTH_KEYS: an apiKey of `a` has fewer than 16 characters: make one with `clef key new`"]);
    assert!(config(&[SECRET, short, "CLEF_ENV=development"]).unwrap().notices.is_empty());
}

#[test]
fn each_secret_may_stand_in_a_file() {
    let folder = folder("files");
    let (secret, keys) = (SECRET.split_once('=').unwrap().1, KEYS.split_once('=').unwrap().1);
    let lines = [
        format!("JWT_SECRET_FILE={}", file(&folder, "secret", &format!("{secret}\n"))),
        format!("JWT_AUTH_KEYS_FILE={}", file(&folder, "keys", keys)),
        format!("DATABASE_URL_FILE={}", file(&folder, "url", "sqlite:///x/y.db\r\n")),
    ];
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let found = config(&lines).unwrap();
    assert_eq!(found.environment, Environment::Production);
    assert_eq!(found.auth.secrets[0].secret.expose_secret(), secret);
    assert_eq!(found.auth.keys.len(), 1);
    assert_eq!(found.database_url.expose_secret(), "sqlite:///x/y.db");
    assert_eq!(found.credential_files, [folder.join("secret"), folder.join("keys")]);
    assert!(found.notices.is_empty(), "{:?}", found.notices);
    std::fs::set_permissions(folder.join("keys"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let notices = config(&lines).unwrap().notices;
    assert!(notices.len() == 1 && notices[0].contains("has mode 644: `chmod 600`"), "{notices:?}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_file_that_cannot_be_used_stops_the_start() {
    let folder = folder("bad-files");
    let empty = format!("JWT_SECRET_FILE={}", file(&folder, "empty", "\n"));
    let broken = format!("JWT_AUTH_KEYS_FILE={}", file(&folder, "broken", "[{\n]"));
    let cases: &[(&[&str], &str)] = &[
        (&[SECRET, &empty, KEYS], "JWT_SECRET_FILE: is set, and JWT_SECRET is, too: remove one of them"),
        (&[&empty, KEYS], "JWT_SECRET_FILE: `"),
        (&["JWT_SECRET_FILE=/nowhere", KEYS], "JWT_SECRET_FILE: `/nowhere` cannot be used: No such file"),
        (&["JWT_SECRET_FILE=/nowhere"], "JWT_SECRET_FILE: `/nowhere` cannot be used: No such file"),
        (&[SECRET, &broken], "JWT_AUTH_KEYS_FILE: is no JSON from line 2, column 1 on"),
        (&["DATABASE_URL_FILE=/"], "DATABASE_URL_FILE: `/` cannot be used"),
    ];
    for (lines, expected) in cases {
        let found = problems(lines);
        assert_eq!(found.len(), 1, "{lines:?}: {found:?}");
        assert!(found[0].starts_with(expected), "{found:?}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn at_jwt_needs_an_audience() {
    let found = problems(&[SECRET, KEYS, "JWT_TYPE=at+jwt"]);
    assert_eq!(found, ["JWT_TYPE: `at+jwt` needs an audience (RFC 9068): set JWT_AUDIENCE"]);
}
