//! What commands tell of scopes: from type definitions, documents and globs to texts and JSON. Opens no database.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Error, schema};
use crate::auth::{PublicOperations, Subject};
use crate::clock::Clock;
use crate::config::{Grants, SchemaSource};
use crate::graphql::{self, Explainer, FieldExplanation, Needs};
use crate::scope::{self, Catalogue, Difference, Entry, Finding, Minimal, Scope, ScopeSet};

/// A document and where it comes from.
#[derive(Debug)]
pub struct Document {
    /// File, or `-`.
    pub name: String,
    /// As it stands there.
    pub text: String,
}

/// The files themselves, and all `*.graphql` and `*.gql` files in folders and below, by name.
///
/// # Errors
///
/// One cannot be read, or there is none.
pub fn documents(paths: &[PathBuf]) -> Result<Vec<Document>, Error> {
    let mut files = Vec::new();
    for path in paths {
        find(path, &mut files, true).map_err(|source| Error::Document { path: path.clone(), source })?;
    }
    if files.is_empty() {
        return Err(Error::NoDocuments);
    }
    files
        .into_iter()
        .map(|path| {
            let text =
                std::fs::read_to_string(&path).map_err(|source| Error::Document { path: path.clone(), source })?;
            Ok(Document { name: path.display().to_string(), text })
        })
        .collect()
}

fn find(path: &Path, files: &mut Vec<PathBuf>, is_named: bool) -> std::io::Result<()> {
    if path.is_dir() {
        let mut entries =
            std::fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        entries.sort();
        return entries.iter().try_for_each(|entry| find(entry, files, false));
    }
    if is_named || path.extension().is_some_and(|extension| extension == "graphql" || extension == "gql") {
        files.push(path.to_owned());
    }
    Ok(())
}

fn explainer(source: &SchemaSource, public: PublicOperations) -> Result<Explainer, Error> {
    Ok(Explainer::new(Arc::new(schema::read(source)?), public, graphql::Limits::default(), Clock::System)?)
}

/// All operations of a document.
async fn needs(explainer: &Explainer, document: &Document) -> Result<Vec<Needs>, Error> {
    explainer.all_needs(&document.text).await.map_err(|answer| {
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let errors = answer.get("errors").and_then(Value::as_array).cloned().unwrap_or_default();
        let texts: Vec<String> = errors.iter().map(|error| located(&document.name, error)).collect();
        Error::Documents { text: texts.join("\n") }
    })
}

fn located(name: &str, error: &Value) -> String {
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    let number = |member: &str| error.pointer(&["/locations/0/", member].concat()).and_then(Value::as_u64);
    match number("line").zip(number("column")) {
        Some((line, column)) => format!("{name}:{line}:{column}: {message}"),
        None => format!("{name}: {message}"),
    }
}

/// What each operation of a document needs, and whether globs cover it. Whether they cover all comes with it.
///
/// # Errors
///
/// Schema, document or globs are wrong.
pub async fn explain(
    source: &SchemaSource,
    public: PublicOperations,
    document: &Document,
    globs: &[String],
) -> Result<(Value, String, bool), Error> {
    let explainer = explainer(source, public)?;
    let subject = Subject::Scopes(ScopeSet::compile(globs)?);
    let (mut operations, mut text, mut is_allowed) = (Vec::new(), String::new(), true);
    for needs in needs(&explainer, document).await? {
        let explanation = explainer.explain(&needs, &subject);
        is_allowed &= explanation.allowed;
        let name = explanation.operation_name.as_deref().map_or(String::new(), |name| format!(" {name}"));
        text.push_str(&format_operation(&explanation.operation, &name, &explanation.fields, !globs.is_empty()));
        text.extend(["least globs: ", &explanation.minimal_scopes.globs.join(" "), "\n"]);
        operations.push(json!(explanation));
    }
    Ok((Value::Array(operations), text, is_allowed))
}

fn format_operation(operation: &str, name: &str, fields: &[FieldExplanation], is_asked: bool) -> String {
    let mut text = format!("{operation}{name}\n");
    for field in fields {
        text.extend(["  ", &field.response_key, ": ", &field.ty, "\n"]);
        if field.scopes.is_empty() {
            text.push_str("    public\n");
        }
        for scope in &field.scopes {
            let verdict = match (&scope.token_glob, &scope.reason) {
                _ if !is_asked => String::new(),
                (Some(glob), None) => format!(": granted by `{glob}`"),
                (_, reason) => format!(": refused, {}", reason.as_deref().unwrap_or_default()),
            };
            text.extend(["    ", &scope.scope, &verdict, "\n"]);
        }
        if !field.depends_on_variables.is_empty() {
            let variables = field.depends_on_variables.join(", $");
            text.extend(["    and what the value of $", &variables, " reaches\n"]);
        }
    }
    text
}

/// The scopes that globs cover, and the fields that need them, as JSON and as text; and the globs that cover none.
///
/// # Errors
///
/// Schema or globs are wrong.
pub fn list(source: &SchemaSource, globs: &[String]) -> Result<(Value, String, Vec<Finding>), Error> {
    let catalogue = schema::read(source)?.catalogue();
    let globs = ScopeSet::compile(globs)?;
    let covered: Vec<_> = catalogue.covered(&globs).collect();
    let row = |(scope, entry): &(&Scope, &Entry)| [scope.as_str(), "\t", &entry.fields.join(" ")].concat();
    let rows: Vec<String> = covered.iter().map(row).collect();
    let json = covered.iter().map(|(scope, entry)| json!({"scope": scope.as_str(), "fields": entry.fields})).collect();
    let mut nothing = scope::lint(&globs, &catalogue, |_| false);
    nothing.retain(|finding| matches!(finding, Finding::Nothing { .. }));
    Ok((Value::Array(json), rows.join("\n"), nothing))
}

/// The least set of scopes for all operations of documents.
///
/// # Errors
///
/// Schema or documents are wrong.
pub async fn minimal(
    source: &SchemaSource,
    public: PublicOperations,
    documents: &[Document],
) -> Result<Minimal, Error> {
    let explainer = explainer(source, public)?;
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    for document in documents {
        match needs(&explainer, document).await {
            Ok(needs) => all.extend(needs),
            Err(Error::Documents { text }) => wrong.push(text),
            Err(error) => return Err(error),
        }
    }
    if wrong.is_empty() { Ok(explainer.minimal(&all)) } else { Err(Error::Documents { text: wrong.join("\n") }) }
}

/// What looks wrong with keys: id and finding.
///
/// # Errors
///
/// The schema is wrong.
pub fn check(source: &SchemaSource, grants: &Grants) -> Result<Vec<(String, Finding)>, Error> {
    let catalogue = schema::read(source)?.catalogue();
    Ok(findings(&catalogue, grants.public, grants.keys.iter().map(|(id, globs)| (&**id, globs))))
}

/// What looks wrong with keys, in their order.
pub(super) fn findings<'keys>(
    catalogue: &Catalogue,
    public: PublicOperations,
    keys: impl Iterator<Item = (&'keys str, &'keys ScopeSet)>,
) -> Vec<(String, Finding)> {
    keys.flat_map(|(id, globs)| {
        let found = scope::lint(globs, catalogue, |scope| public.is_guarded(scope));
        found.into_iter().map(|finding| (id.to_owned(), finding)).collect::<Vec<_>>()
    })
    .collect()
}

/// What keys gain and lose from one schema to another; keys with neither are left out.
///
/// # Errors
///
/// A schema is wrong.
pub fn difference(old: &SchemaSource, new: &SchemaSource, grants: &Grants) -> Result<Vec<(String, Difference)>, Error> {
    let (old, new) = (schema::read(old)?.catalogue(), schema::read(new)?.catalogue());
    let differences = grants.keys.iter().map(|(id, globs)| (id.to_string(), Difference::of(globs, &old, &new)));
    Ok(differences.filter(|(_, difference)| !difference.is_empty()).collect())
}
