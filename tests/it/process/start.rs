//! What stops the start, and what is told at it.

use super::program::{Folder, Program, SECRET, run};

#[test]
fn a_server_does_not_start_open() {
    let folder = Folder::new("open");
    let keys = r#"[{"id": "a", "apiKey": "0123456789abcdef", "scopes": ["*"]}]"#;
    let negated = r#"[{"id": "neg", "apiKey": "0123456789abcdef", "scopes": ["!Mutation:Person:*"]}]"#;
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("JWT_SECRET", ""), ("JWT_AUTH_KEYS", keys)], "JWT_SECRET: is missing"),
        (&[("JWT_SECRET", ""), ("CLEF_ENV", "production")], "JWT_SECRET: is missing"),
        (&[("JWT_SECRET", "not-so-secret"), ("JWT_AUTH_KEYS", keys)], "JWT_SECRET: is a published sample"),
        (&[("JWT_SECRET", SECRET), ("JWT_AUTH_KEYS", negated)], "[0].scopes[0] `!Mutation:Person:*` starts with `!`"),
        (&[("JWT_SECRET", SECRET), ("JWT_SECRET_FILE", "a")], "JWT_SECRET_FILE: is set, and JWT_SECRET is, too"),
    ];
    for (settings, expected) in cases {
        let output = run(&folder.0, settings, &[], "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(expected), "{settings:?}: {told}");
        assert!(!told.contains("0123456789abcdef") && !told.contains(SECRET), "{told}");
    }
}

#[tokio::test]
async fn no_secret_stands_in_the_arguments_and_no_key_is_published() {
    let folder = Folder::new("arguments");
    let secret_file = folder.write("secret", SECRET);
    let keys_file = folder.write("keys", r#"[{"id": "a", "apiKey": "short", "scopes": ["*"]}]"#);
    let settings = [("JWT_SECRET_FILE", secret_file.as_str()), ("JWT_AUTH_KEYS_FILE", keys_file.as_str())];
    let program = Program::start(&folder.0, &settings);
    program.wait_for("an apiKey of `a` has fewer than 16 characters");
    for place in ["cmdline", "environ"] {
        let text = std::fs::read(format!("/proc/{}/{place}", program.id())).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains(SECRET), "{place}");
    }
    for path in ["/.well-known/jwks.json", "/jwks", "/refresh/a", "/oauth/token"] {
        let response = program.send(&format!("GET {path}"), &[], &serde_json::Value::Null).await;
        // The place of documents is any first part of a path.
        assert_eq!(response.status, if path == "/jwks" { 400 } else { 404 }, "{path}");
    }
}

#[tokio::test]
async fn explorers_are_served_unless_they_are_switched_off() {
    let folder = Folder::new("explorer");
    let keys = r#"[{"id": "a", "apiKey": "0123456789abcdef", "scopes": ["*"]}]"#;
    for (explorer, status) in [("", 200), ("true", 200), ("false", 404)] {
        let settings = [("JWT_SECRET", SECRET), ("JWT_AUTH_KEYS", keys), ("EXPLORER", explorer)];
        let program = Program::start(&folder.0, &settings);
        for path in ["/graphiql", "/playground"] {
            let response = program.send(&format!("GET {path}"), &[], &serde_json::Value::Null).await;
            assert_eq!(response.status, status, "{path} {explorer}");
        }
    }
}
