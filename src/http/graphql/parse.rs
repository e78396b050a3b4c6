//! From a body or a query string to requests. Knows no headers.

use async_graphql::Variables;
use axum::extract::Query;
use axum::http::Uri;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::graphql::Request;
use crate::http::error::GraphqlError;
use crate::http::persisted::Reference;

/// What a body holds.
#[derive(Debug)]
pub(super) enum Parsed {
    One(Sent),
    Batch(Vec<Sent>),
}

/// A request, and how it names its document. The document is empty only if it is named.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) request: Request,
    pub(super) persisted: Option<Reference>,
}

/// The usual form, read in one go. What does not fit is read again by [`from_object`], which tells what is wrong.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Usual {
    query: String,
    operation_name: Option<String>,
    variables: Option<Variables>,
    extensions: Option<Map<String, Value>>,
}

pub(super) fn body(body: &[u8], batch_max: usize) -> Result<Parsed, GraphqlError> {
    let is_batch = body.trim_ascii_start().first() == Some(&b'[');
    if !is_batch {
        return sent(body).map(Parsed::One);
    }
    if batch_max <= 1 {
        return Err(GraphqlError::NoBatches);
    }
    let entries: Vec<&RawValue> = match serde_json::from_slice::<Bounded<'_>>(body) {
        Ok(Bounded(entries)) => entries,
        Err(error) => return Err(no_json(&error)),
    };
    match entries.len() {
        0 => Err(GraphqlError::EmptyBatch),
        requests if requests > batch_max => Err(GraphqlError::BatchTooLarge { requests, requests_max: batch_max }),
        _ => entries.into_iter().map(|entry| sent(entry.get().as_bytes())).collect::<Result<_, _>>().map(Parsed::Batch),
    }
}

/// The entries of a batch, not read yet.
#[derive(Deserialize)]
struct Bounded<'body>(#[serde(borrow)] Vec<&'body RawValue>);

/// `?query=…&variables=…&operationName=…`, whose variables are JSON.
pub(super) fn query_string(uri: &Uri) -> Result<Sent, GraphqlError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Parameters {
        query: Option<String>,
        operation_name: Option<String>,
        variables: Option<String>,
        extensions: Option<String>,
    }
    let Query(parameters) = Query::<Parameters>::try_from_uri(uri).map_err(|_| {
        GraphqlError::QueryString("each of `query`, `variables`, `operationName` and `extensions` may stand once")
    })?;
    let extensions = parameters.extensions.filter(|text| !text.trim().is_empty()).map(|text| {
        let wrong = GraphqlError::WrongType { member: "extensions", expected: "object" };
        serde_json::from_str::<Map<String, Value>>(&text).map_err(|_| wrong)
    });
    let persisted = persisted(extensions.transpose()?.as_ref())?;
    let query = parameters.query.unwrap_or_default();
    if query.is_empty() && persisted.is_none() {
        return Err(GraphqlError::GetQueryMissing);
    }
    let request = Request {
        query,
        operation_name: parameters.operation_name.filter(|name| !name.is_empty()),
        variables: variables_text(parameters.variables.as_deref().unwrap_or_default())?,
        queries_only: true,
        ..Request::default()
    };
    Ok(Sent { request, persisted })
}

/// A single request with its document.
pub(in crate::http) fn one(body: &[u8]) -> Result<Request, GraphqlError> {
    let Sent { request, .. } = sent(body)?;
    if request.query.is_empty() { Err(GraphqlError::QueryMissing) } else { Ok(request) }
}

fn sent(body: &[u8]) -> Result<Sent, GraphqlError> {
    match serde_json::from_slice::<Usual>(body) {
        Ok(usual) if !usual.query.is_empty() => {
            let request = Request {
                query: usual.query,
                operation_name: usual.operation_name,
                variables: usual.variables.unwrap_or_default(),
                ..Request::default()
            };
            Ok(Sent { request, persisted: persisted(usual.extensions.as_ref())? })
        }
        _ => unusual(body),
    }
}

/// How a document is named by its hash.
fn persisted(extensions: Option<&Map<String, Value>>) -> Result<Option<Reference>, GraphqlError> {
    match extensions.and_then(|extensions| extensions.get("persistedQuery")) {
        None | Some(Value::Null) => Ok(None),
        Some(reference) => Reference::deserialize(reference).map(Some).map_err(|_| GraphqlError::WrongType {
            member: "extensions.persistedQuery",
            expected: "{\"version\": 1, \"sha256Hash\": \"…\"}",
        }),
    }
}

fn unusual(body: &[u8]) -> Result<Sent, GraphqlError> {
    if body.trim_ascii().is_empty() {
        return Err(GraphqlError::Empty);
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => from_object(members),
        Ok(other) => Err(GraphqlError::NoObject {
            subject: match other {
                Value::Array(_) => "an array in the batch",
                _ => "what was sent",
            }
            .to_owned(),
        }),
        Err(error) => Err(no_json(&error)),
    }
}

fn from_object(mut members: Map<String, Value>) -> Result<Sent, GraphqlError> {
    let mut take = |name| members.remove(name).filter(|member| !member.is_null());
    let (query, operation_name) = (take("query"), take("operationName"));
    let (variables, extensions) = (take("variables"), take("extensions"));
    let query = text("query", query)?.unwrap_or_default();
    let persisted = match &extensions {
        None => None,
        Some(Value::Object(extensions)) => persisted(Some(extensions))?,
        Some(_) if query.is_empty() => None,
        Some(_) => return Err(GraphqlError::WrongType { member: "extensions", expected: "object" }),
    };
    if query.is_empty() && persisted.is_none() {
        return Err(GraphqlError::QueryMissing);
    }
    let request = Request {
        query,
        operation_name: text("operationName", operation_name)?,
        variables: match variables {
            None => Variables::default(),
            Some(value) => variables_value(value)?,
        },
        ..Request::default()
    };
    Ok(Sent { request, persisted })
}

fn text(member: &'static str, value: Option<Value>) -> Result<Option<String>, GraphqlError> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(GraphqlError::WrongType { member, expected: "string" }),
    }
}

fn variables_text(text: &str) -> Result<Variables, GraphqlError> {
    if text.trim().is_empty() {
        return Ok(Variables::default());
    }
    match serde_json::from_str(text) {
        Ok(value) => variables_value(value),
        Err(_) => Err(GraphqlError::VariablesNoJson),
    }
}

fn variables_value(value: Value) -> Result<Variables, GraphqlError> {
    match value {
        Value::Null => Ok(Variables::default()),
        Value::Object(members) => Ok(Variables::from_json(Value::Object(members))),
        _ => Err(GraphqlError::WrongType { member: "variables", expected: "object" }),
    }
}

fn no_json(error: &serde_json::Error) -> GraphqlError {
    GraphqlError::NoJson { line: error.line(), column: error.column() }
}

#[cfg(test)]
mod tests {
    use async_graphql::Value as GraphqlValue;

    use super::*;

    /// Query, operation name and variables as JSON; or the message.
    fn read(text: &str) -> Result<(String, Option<String>, String), String> {
        match body(text.as_bytes(), 2) {
            Ok(Parsed::One(Sent { request, .. })) => {
                Ok((request.query, request.operation_name, GraphqlValue::from(request.variables).to_string()))
            }
            Ok(Parsed::Batch(_)) => Err("batch".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn null_is_absent() {
        let cases = [
            (r#"{"query":"{a}"}"#, None, "{}"),
            (r#" {"query":"{a}","variables":null,"operationName":null,"extensions":null}"#, None, "{}"),
            (
                r#"{"query":"{a}","variables":{"a":[1,null,"b"]},"operationName":"O"}"#,
                Some("O"),
                r#"{a: [1, null, "b"]}"#,
            ),
            (r#"{"query":"{a}","variables":{},"extensions":{"a":1},"more":1}"#, None, "{}"),
            (r#"{"query":"{b}","query":"{a}"}"#, None, "{}"),
        ];
        for (text, operation_name, variables) in cases {
            let expected = ("{a}".to_owned(), operation_name.map(str::to_owned), variables.to_owned());
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_in_our_words() {
        let cases = [
            ("", "the body is empty"),
            ("  ", "the body is empty"),
            ("{", "the body is no JSON from line 1, column 1 on"),
            ("{\"query\":\n}", "the body is no JSON from line 2, column 1 on"),
            ("{\"query\":\"{a}\"} x", "the body is no JSON from line 1, column 17 on"),
            ("[", "the body is no JSON from line 1, column 1 on"),
            ("null", "what was sent is no object"),
            ("5", "what was sent is no object"),
            (r#"{"foo":1}"#, "Must provide query string."),
            (r#"{"query":null}"#, "Must provide query string."),
            (r#"{"query":""}"#, "Must provide query string."),
            (r#"{"query":5}"#, "`query` is no string"),
            (r#"{"query":"{a}","operationName":[]}"#, "`operationName` is no string"),
            (r#"{"query":"{a}","variables":[]}"#, "`variables` is no object"),
            (r#"{"query":"{a}","variables":"{}"}"#, "`variables` is no object"),
            (r#"{"query":"{a}","extensions":"a"}"#, "`extensions` is no object"),
            ("[]", "the batch is empty"),
            (r#"[{"query":"{a}"},1]"#, "what was sent is no object"),
            (r#"[{"query":"{a}"},[]]"#, "an array in the batch is no object"),
            (r"[{},{},{}]", "3 requests are too many: send at most 2"),
        ];
        for (text, expected) in cases {
            let message = read(text).unwrap_err();
            assert!(message.starts_with(expected), "{text}: {message}");
        }
        let deep = format!(r#"{{"query":"{{a}}","variables":{{"a":{}}}}}"#, "[".repeat(100_000));
        assert!(read(&deep).unwrap_err().starts_with("the body is no JSON"), "deep");
    }

    #[test]
    fn a_query_string_is_read() {
        let read = |text: &str| query_string(&Uri::try_from(format!("/?{text}")).unwrap());
        let request =
            read("query=%7Ba%7D&variables=%7B%22a%22:1%7D&operationName=O&extensions=%7B%7D&x=1").unwrap().request;
        assert_eq!((request.query.as_str(), request.operation_name.as_deref()), ("{a}", Some("O")));
        assert_eq!(GraphqlValue::from(request.variables).to_string(), "{a: 1}");
        assert!(request.queries_only);
        let cases = [
            ("", "GET query missing."),
            ("query=", "GET query missing."),
            ("query=a&query=b", "in the query string, each of"),
            ("query=a&variables=x", "Variables are invalid JSON."),
            ("query=a&variables=[]", "`variables` is no object"),
        ];
        for (text, expected) in cases {
            let message = read(text).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{text}: {message}");
        }
    }
}
