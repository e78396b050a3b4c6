//! What is printed for people, as opposed to logged. The only place that prints.

use std::error::Error;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use secrecy::ExposeSecret;
use serde_json::json;

use crate::config::DevelopmentKeys;
use crate::exchange;

/// Writes a text to standard output.
#[expect(clippy::print_stdout, reason = "the one place that prints")]
pub fn print(text: &str) {
    println!("{text}");
}

/// Writes to standard error what may be a mistake.
#[expect(clippy::print_stderr, reason = "the one place that prints")]
pub fn print_warning(text: &str) {
    eprintln!("warning: {text}");
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

/// How far something has come, on standard error: one line that changes on a terminal, else a line now and then.
#[derive(Debug)]
pub struct Progress {
    is_terminal: bool,
    start: Instant,
    told: Instant,
}

impl Progress {
    /// From now on.
    #[must_use]
    pub fn new() -> Self {
        let now = Instant::now();
        Self { is_terminal: io::stderr().is_terminal(), start: now, told: now }
    }

    /// Often; tells it not so often.
    #[expect(clippy::print_stderr, reason = "the one place that prints")]
    pub fn show(&mut self, at: exchange::Progress) {
        let pause = if self.is_terminal { Duration::from_millis(100) } else { Duration::from_secs(5) };
        if self.told.elapsed() < pause {
            return;
        }
        self.told = Instant::now();
        let seconds = self.start.elapsed().as_secs();
        let line = format!("{} nodes, {} relations, {seconds} s", at.nodes, at.relations);
        if self.is_terminal {
            eprint!("\r{line}\u{1b}[K");
        } else {
            eprintln!("{line}");
        }
    }

    /// What an import tells.
    pub fn tell(&mut self, told: &exchange::Told<'_>) {
        match told {
            exchange::Told::Progress(at) => self.show(*at),
            exchange::Told::LeftOut(text) => {
                self.line(&format!("left out: {}", text.lines().next().unwrap_or_default()));
            }
            exchange::Told::Note(text) => self.line(text),
        }
    }

    /// A line of its own.
    #[expect(clippy::print_stderr, reason = "the one place that prints")]
    fn line(&self, text: &str) {
        let clear = if self.is_terminal { "\r\u{1b}[K" } else { "" };
        eprintln!("{clear}{text}");
    }

    /// What came of it.
    #[expect(clippy::print_stderr, reason = "the one place that prints")]
    pub fn end(&self, text: &str) {
        let clear = if self.is_terminal { "\r\u{1b}[K" } else { "" };
        eprintln!("{clear}{text} in {:.1} s", self.start.elapsed().as_secs_f64());
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

/// What a server tells that has made its own keys: where it is, and how to call it. `mutation` is a GraphQL document
/// that can be sent as it is, if the schema has one.
pub fn welcome(base: &str, keys: &DevelopmentKeys, mutation: Option<&str>) -> String {
    let order = json!({"id": keys.id(), "apiKey": keys.api_key.expose_secret(), "scopes": ["*"]});
    let mint = curl(&format!("{base}/jwt"), "", &order.to_string());
    let mut text = format!(
        "Clef listens on {base} for development: open it in a browser. Its keys are in {}.\n\n\
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
        let expected = r#"Clef listens on http://127.0.0.1:4000 for development: open it in a browser. Its keys are in data/development-keys.json.

Mint a token:
  TOKEN=$(curl -s http://127.0.0.1:4000/jwt -H 'Content-Type: application/json' -d '{"id":"dev","apiKey":"clef_dev_1","scopes":["*"]}' | sed 's/.*"jwt":"\([^"]*\)".*/\1/')
Use it:
  curl -s http://127.0.0.1:4000/graphql -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"query":"mutation { CreatePerson(name: \"it'\''s\") { identifier } }"}'
"#;
        assert_eq!(text, expected);
    }
}
