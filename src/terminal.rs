//! What is printed for people, as opposed to logged. The only place that prints.

use std::error::Error;

use secrecy::ExposeSecret;
use serde_json::json;

use crate::config::DevelopmentKeys;

/// Writes a text to standard output.
#[expect(clippy::print_stdout, reason = "the one place that prints")]
pub fn print(text: &str) {
    println!("{text}");
}

/// Writes an error and its causes to standard error.
#[expect(clippy::print_stderr, reason = "the one place that prints")]
pub fn print_error(error: &dyn Error) {
    eprintln!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
}

/// What a server tells that has made its own keys: where it is, and how to call it. `mutation` is a GraphQL document
/// that can be sent as it is, if the schema has one.
pub fn welcome(base: &str, keys: &DevelopmentKeys, mutation: Option<&str>) -> String {
    let order = json!({"id": keys.id(), "apiKey": keys.api_key.expose_secret(), "scopes": ["*"]});
    let mint = curl(&format!("{base}/jwt"), "", &order.to_string());
    let mut text = format!(
        "Clef listens on {base} for development. Its keys are in {}.\n\n\
         Mint a token:\n  TOKEN=$({mint} | sed 's/.*\"jwt\":\"\\([^\"]*\\)\".*/\\1/')\n",
        keys.file.display()
    );
    if let Some(mutation) = mutation {
        let body = json!({"query": mutation}).to_string();
        let header = "-H \"Authorization: Bearer $TOKEN\" ";
        let send = curl(&format!("{base}/graphql"), header, &body);
        text = format!("{text}Use it:\n  {send}\n");
    }
    text
}

fn curl(url: &str, header: &str, body: &str) -> String {
    // In single quotes, a shell reads everything as it stands, but for the quote.
    let body = body.replace('\'', r"'\''");
    format!("curl -s {url} {header}-H 'Content-Type: application/json' -d '{body}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_welcome_can_be_pasted() {
        let keys = DevelopmentKeys {
            file: "data/development-keys.json".into(),
            secret: "never shown".into(),
            api_key: "clef_dev_1".into(),
        };
        let mutation = r#"mutation { CreatePerson(name: "it's") { identifier } }"#;
        let text = welcome("http://127.0.0.1:4000", &keys, Some(mutation));
        let expected = r#"Clef listens on http://127.0.0.1:4000 for development. Its keys are in data/development-keys.json.

Mint a token:
  TOKEN=$(curl -s http://127.0.0.1:4000/jwt -H 'Content-Type: application/json' -d '{"id":"dev","apiKey":"clef_dev_1","scopes":["*"]}' | sed 's/.*"jwt":"\([^"]*\)".*/\1/')
Use it:
  curl -s http://127.0.0.1:4000/graphql -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"query":"mutation { CreatePerson(name: \"it'\''s\") { identifier } }"}'
"#;
        assert_eq!(text, expected);
    }
}
