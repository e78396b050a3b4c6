//! `clef key` and `clef token`, as they are typed.

use serde_json::{Value, json};

use super::program::{Folder, OTHER_SECRET, Program, SECRET, run};

fn output(folder: &Folder, settings: &[(&str, &str)], arguments: &[&str], input: &str) -> (bool, String, String) {
    let output = run(&folder.0, settings, arguments, input);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// Variables, token, and what is said of it.
type Row<'row> = (&'row [(&'row str, &'row str)], &'row str, &'row str);

#[tokio::test]
async fn a_key_that_was_made_mints_and_its_token_is_explained() {
    let folder = Folder::new("commands");
    // Wrong settings do not matter where none are needed.
    let arguments = ["key", "new", "people", "--scope", "Mutation:Person:*", "Mutation:Place:Create"];
    let (is_good, made, _) = output(&folder, &[("PORT", "x")], &arguments, "");
    assert!(is_good, "{made}");
    let api_key = made.lines().nth(1).unwrap().trim();
    let entry = made.lines().last().unwrap().trim();
    let parsed: Value = serde_json::from_str(entry).unwrap();
    assert_eq!(parsed["scopes"], json!(["Mutation:Person:*", "Mutation:Place:Create"]));
    assert!(api_key.starts_with("clef_") && !entry.contains(api_key), "{made}");
    let (_, hashed, _) = output(&folder, &[], &["key", "hash"], &format!("{api_key}\n"));
    assert_eq!(parsed["apiKeyHash"], hashed.trim());

    let keys = format!("[{entry}]");
    let settings = [("JWT_SECRET", SECRET), ("JWT_AUTH_KEYS", keys.as_str())];
    let program = Program::start(&folder.0, &settings);
    let minted = program.mint("people", api_key, &["Mutation:Person:Create"]).await.json();
    let jwt = minted["jwt"].as_str().unwrap();
    let (is_good, told, _) = output(&folder, &settings, &["token", "inspect"], &format!("Bearer {jwt}\n"));
    assert!(is_good, "{told}");
    for line in [
        "key        people",
        "kind       JWT, as the CE-API made them",
        "secret     none",
        "allows     Mutation:Person:Create",
        "key allows Mutation:Person:* Mutation:Place:Create",
        "good       yes",
    ] {
        assert!(told.lines().any(|found| found == line), "{line}: {told}");
    }
    let others = keys.replace("people", "others");
    let disabled = keys.replace("\"id\"", "\"disabled\":true,\"id\"");
    let cases: &[Row<'_>] = &[
        (&[("JWT_SECRET", OTHER_SECRET), settings[1]], jwt, "no: its signature is by none of the secrets"),
        (&[settings[0], ("JWT_AUTH_KEYS", &others)], jwt, "no: there is no key `people`"),
        (&[settings[0], ("JWT_AUTH_KEYS", &disabled)], jwt, "no: the key `people` is disabled"),
        (&[settings[0], settings[1], ("JWT_ISSUER", "https://a")], jwt, "no: its `iss` is not https://a"),
        (&[settings[0], settings[1], ("JWT_AUDIENCE", "a")], jwt, "no: its `aud` is none of a"),
        (&settings, "a.b.c", "no: it is no JSON Web Token"),
    ];
    for (settings, token, expected) in cases {
        let (is_good, told, error) = output(&folder, settings, &["token", "inspect"], token);
        assert!(!is_good && told.contains(expected), "{expected}: {told} {error}");
        assert!(!told.contains(jwt.rsplit('.').next().unwrap()), "a token is not printed");
    }
}

#[tokio::test]
async fn a_hash_of_a_chosen_key_is_slow_and_works() {
    let folder = Folder::new("slow-hash");
    let (is_good, hash, _) = output(&folder, &[], &["key", "hash"], "chosen by a person\r\n");
    assert!(is_good && hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    let keys = json!([{"id": "a", "apiKeyHash": hash.trim(), "scopes": ["*"]}]).to_string();
    let program = Program::start(&folder.0, &[("JWT_SECRET", SECRET), ("JWT_AUTH_KEYS", &keys)]);
    assert_eq!(program.mint("a", "chosen by a person", &["*"]).await.status, 200);
    for (id, api_key) in [("a", "chosen by nobody"), ("b", "chosen by a person")] {
        assert_eq!(program.mint(id, api_key, &["*"]).await.status, 403);
    }
}

#[test]
fn keys_in_a_file_are_checked_by_commands_as_well() {
    let folder = Folder::new("keys-file");
    let keys = json!([{"id": "a", "apiKey": "0123456789abcdef", "scopes": ["Mutation:Persn:*"]}]).to_string();
    let file = folder.write("keys.json", &keys);
    let (_, in_environment, _) = output(&folder, &[("JWT_AUTH_KEYS", &keys)], &["scopes", "check"], "");
    let (_, in_file, _) = output(&folder, &[("JWT_AUTH_KEYS_FILE", &file)], &["scopes", "check"], "");
    assert!(in_environment.contains("Persn"), "{in_environment}");
    assert_eq!(in_file, in_environment);
}

#[test]
fn what_cannot_be_made_is_said() {
    let folder = Folder::new("bad-commands");
    let cases: &[(&[&str], &str, &str)] = &[
        (&["key", "new", "a"], "", "--scope"),
        (&["key", "new", " ", "--scope", "*"], "", "the id is empty"),
        (&["key", "new", "a", "--scope", "!x"], "", "`!x` starts with `!`"),
        (&["key", "hash"], "", "standard input holds no API key"),
        (&["key", "hash"], "clef_0000000000000000000000000000000000001", "mistyped or cut"),
    ];
    for (arguments, input, expected) in cases {
        let (is_good, _, told) = output(&folder, &[], arguments, input);
        assert!(!is_good && told.contains(expected), "{arguments:?}: {told}");
    }
}
