//! `clef scopes`: what documents need, what globs cover, and what is wrong with keys. Reads no database.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::{Error, runtime};
use crate::app::scopes::{self, Document};
use crate::config::{SchemaSource, Settings};
use crate::graphql::MinimalScopes;
use crate::terminal;

#[derive(Debug, Subcommand)]
pub(super) enum ScopesCommand {
    /// Tell which scopes each root field of a document needs; with --scope, exit code 1 unless all are granted.
    Explain {
        /// A file, or `-` for standard input.
        #[arg(default_value = "-")]
        document: PathBuf,
        /// A glob of the token that would be sent; may be repeated.
        #[arg(long = "scope", value_name = "GLOB")]
        globs: Vec<String>,
        #[arg(long)]
        json: bool,
    },
    /// List the scopes that globs cover, with the fields that need them.
    List {
        /// A glob; may be repeated.
        #[arg(long = "scope", value_name = "GLOB", default_value = "*")]
        globs: Vec<String>,
        #[arg(long)]
        json: bool,
    },
    /// Print the shortest globs that cover what documents need, and nothing else of the schema.
    Minimal {
        /// Files, and folders of `*.graphql` and `*.gql` files.
        #[arg(required = true)]
        documents: Vec<PathBuf>,
        /// Print the scopes themselves instead, one a line.
        #[arg(long, conflicts_with = "json")]
        exact: bool,
        #[arg(long)]
        json: bool,
    },
    /// List what looks wrong with the globs in `JWT_AUTH_KEYS`; exit code 1 if anything does.
    Check {
        /// A kind of finding that is meant so; may be repeated.
        #[arg(long, value_enum)]
        allow: Vec<Kind>,
        #[arg(long)]
        json: bool,
    },
    /// List which operations the keys in `JWT_AUTH_KEYS` gain and lose; exit code 1 if any, 2 on trouble, as diff has it.
    Diff {
        /// Folder of the old type definitions.
        old: PathBuf,
        /// Folder of the new ones.
        new: PathBuf,
        #[arg(long)]
        json: bool,
    },
}

/// Kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// A glob that covers nothing.
    Nothing,
    /// A prefix that is another type's, too.
    Neighbour,
    /// A key that can do everything.
    Everything,
    /// A glob that another covers.
    Covered,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Neighbour => "neighbour",
            Self::Everything => "everything",
            Self::Covered => "covered",
        }
    }
}

impl ScopesCommand {
    pub(super) fn run(self, settings: &Settings) -> Result<ExitCode, Error> {
        match self {
            Self::Explain { document, globs, json } => explain(settings, document, &globs, json),
            Self::List { globs, json } => {
                let (value, text, nothing) = scopes::list(&settings.schema()?, &globs)?;
                for finding in nothing {
                    terminal::print_warning(&finding.to_string());
                }
                print(json, &value, &text);
                Ok(ExitCode::SUCCESS)
            }
            Self::Minimal { documents, exact, json } => {
                let documents = scopes::documents(&documents)?;
                let public = settings.public_operations()?;
                let minimal = runtime()?.block_on(scopes::minimal(&settings.schema()?, public, &documents))?;
                let minimal = MinimalScopes::from(minimal);
                let lines = if exact { &minimal.scopes } else { &minimal.globs };
                print(json, &json!(minimal), &lines.join("\n"));
                Ok(ExitCode::SUCCESS)
            }
            Self::Check { allow, json } => check(settings, &allow, json),
            Self::Diff { old, new, json } => Ok(diff(settings, old, new, json).unwrap_or_else(|error| {
                terminal::print_error(&error);
                ExitCode::from(2)
            })),
        }
    }
}

fn explain(settings: &Settings, path: PathBuf, globs: &[String], json: bool) -> Result<ExitCode, Error> {
    let document = if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        Document { name: "-".to_owned(), text }
    } else {
        let mut documents = scopes::documents(&[path])?;
        documents.pop().filter(|_| documents.is_empty()).ok_or(Error::OneDocument)?
    };
    let public = settings.public_operations()?;
    let (value, text, is_allowed) =
        runtime()?.block_on(scopes::explain(&settings.schema()?, public, &document, globs))?;
    print(json, &value, &text);
    Ok(code(globs.is_empty() || is_allowed))
}

fn check(settings: &Settings, allow: &[Kind], json: bool) -> Result<ExitCode, Error> {
    let grants = settings.grants()?;
    let mut findings = scopes::check(&settings.schema()?, &grants)?;
    findings.retain(|(_, finding)| !allow.iter().any(|kind| kind.as_str() == finding.kind()));
    let value = findings
        .iter()
        .map(|(id, finding)| json!({"key": id, "kind": finding.kind(), "message": finding.to_string()}))
        .collect::<Vec<_>>();
    let lines: Vec<String> =
        findings.iter().map(|(id, finding)| format!("{id}: {}: {finding}", finding.kind())).collect();
    let text = match (grants.keys.len(), lines.as_slice()) {
        (0, _) => "JWT_AUTH_KEYS is not set: there is no key to check".to_owned(),
        (keys, []) => format!("{keys} keys: nothing to find fault with"),
        (_, lines) => lines.join("\n"),
    };
    print(json, &json!(value), &text);
    Ok(code(findings.is_empty()))
}

fn diff(settings: &Settings, old: PathBuf, new: PathBuf, json: bool) -> Result<ExitCode, Error> {
    let grants = settings.grants()?;
    if grants.keys.is_empty() {
        return Err(Error::NoKeys);
    }
    let differences = scopes::difference(&SchemaSource::Folder(old), &SchemaSource::Folder(new), &grants)?;
    let mut text = String::new();
    let mut values = Vec::new();
    for (id, difference) in &differences {
        text.extend([id, "\n"]);
        for (sign, scopes) in [("+", &difference.gained), ("-", &difference.lost)] {
            for scope in scopes {
                text.extend(["  ", sign, " ", scope.as_str(), "\n"]);
            }
        }
        let texts = |scopes: &[crate::scope::Scope]| scopes.iter().map(ToString::to_string).collect::<Vec<_>>();
        values.push(json!({"key": id, "gained": texts(&difference.gained), "lost": texts(&difference.lost)}));
    }
    print(json, &json!(values), &text);
    Ok(code(differences.is_empty()))
}

fn print(json: bool, value: &serde_json::Value, text: &str) {
    if json {
        terminal::print(&format!("{value:#}"));
    } else if !text.is_empty() {
        terminal::print(text.trim_end());
    }
}

fn code(is_good: bool) -> ExitCode {
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
