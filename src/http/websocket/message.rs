//! Messages of both protocols: JSON texts to what the client wants, and what it is told to JSON texts.
//!
//! After graphql-ws, PROTOCOL.md, and subscriptions-transport-ws 0.9, PROTOCOL.md. Clients of the CE-API compare the acknowledgement
//! byte for byte.

use std::borrow::Cow;

use axum::extract::ws::Utf8Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::graphql::Request;
use crate::http::graphql::parse;

/// Which protocol a socket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// `graphql-transport-ws`.
    Transport,
    /// `graphql-ws`.
    Legacy,
}

/// What a client wants. An id is JSON text.
#[derive(Debug)]
pub(super) enum Incoming {
    Init(Map<String, Value>),
    Ping(Map<String, Value>),
    Pong,
    Start { id: String, request: Request },
    Stop { id: String },
    Terminate,
}

/// What is wrong with a message.
#[derive(Debug)]
pub(super) enum Wrong {
    /// It is no message at all.
    Message(String),
    /// The operation of this id cannot be read.
    Operation { id: Option<String>, message: String },
}

#[derive(Deserialize)]
struct Envelope<'text> {
    #[serde(borrow)]
    r#type: Option<Cow<'text, str>>,
    id: Option<Value>,
    #[serde(borrow)]
    payload: Option<&'text RawValue>,
}

impl Protocol {
    pub(super) fn read(self, text: &str) -> Result<Incoming, Wrong> {
        let envelope: Envelope<'_> = serde_json::from_str(text)
            .map_err(|_| Wrong::Message(r#"a message is a JSON object: {"type": "…"}"#.to_owned()))?;
        let Envelope { r#type: Some(kind), id, payload } = envelope else {
            return Err(Wrong::Message("a message has a `type`".to_owned()));
        };
        match (self, &*kind) {
            (_, "connection_init") => Ok(Incoming::Init(object(payload)?)),
            (Self::Transport, "ping") => Ok(Incoming::Ping(object(payload)?)),
            (Self::Transport, "pong") => Ok(Incoming::Pong),
            (Self::Transport, "subscribe") | (Self::Legacy, "start") => {
                let id = self.id(id)?;
                let read = parse::one(payload.map_or("{}", RawValue::get).as_bytes());
                let request =
                    read.map_err(|error| Wrong::Operation { id: Some(id.clone()), message: error.to_string() })?;
                Ok(Incoming::Start { id, request })
            }
            (Self::Transport, "complete") | (Self::Legacy, "stop") => Ok(Incoming::Stop { id: self.id(id)? }),
            (Self::Legacy, "connection_terminate") => Ok(Incoming::Terminate),
            (Self::Transport, _) => Err(Wrong::Message("a message has a known `type`".to_owned())),
            // The CE-API's text.
            (Self::Legacy, _) => {
                Err(Wrong::Operation { id: self.id(id).ok(), message: "Invalid message type!".to_owned() })
            }
        }
    }

    fn id(self, id: Option<Value>) -> Result<String, Wrong> {
        match id {
            Some(id @ Value::String(_)) if id != "" => Ok(id.to_string()),
            Some(id @ Value::Number(_)) if self == Self::Legacy => Ok(id.to_string()),
            _ => Err(Wrong::Message("an operation has an `id`, a string that is not empty".to_owned())),
        }
    }

    /// A whole GraphQL response.
    pub(super) fn next(self, id: &str, response: &[u8]) -> Utf8Bytes {
        let start = match self {
            Self::Transport => r#"{"type":"next","id":"#,
            Self::Legacy => r#"{"type":"data","id":"#,
        };
        joined(&[start.as_bytes(), id.as_bytes(), br#","payload":"#, response, b"}"])
    }

    pub(super) fn complete(self, id: &str) -> Utf8Bytes {
        let end = match self {
            Self::Transport => "}",
            Self::Legacy => r#","payload":null}"#,
        };
        joined(&[br#"{"type":"complete","id":"#, id.as_bytes(), end.as_bytes()])
    }

    /// `errors` is `{"errors": […]}`; the older protocol tells one message only.
    pub(super) fn error(self, id: &str, errors: &[u8]) -> Utf8Bytes {
        #[derive(Deserialize)]
        struct Errors<'body> {
            #[serde(borrow)]
            errors: &'body RawValue,
        }
        let list = serde_json::from_slice(errors).map_or("[]", |Errors { errors }| errors.get());
        match self {
            Self::Transport => {
                joined(&[br#"{"type":"error","id":"#, id.as_bytes(), br#","payload":"#, list.as_bytes(), b"}"])
            }
            Self::Legacy => {
                let message = serde_json::from_str::<Value>(list).ok();
                let message = message.as_ref().and_then(|list| list.pointer("/0/message")?.as_str());
                Self::legacy_error(id, message.unwrap_or_default())
            }
        }
    }

    /// An operation that could not be read.
    pub(super) fn legacy_error(id: &str, message: &str) -> Utf8Bytes {
        let payload = serde_json::json!({ "message": message }).to_string();
        joined(&[br#"{"type":"error","id":"#, id.as_bytes(), br#","payload":"#, payload.as_bytes(), b"}"])
    }
}

pub(super) const ACKNOWLEDGED: Utf8Bytes = Utf8Bytes::from_static(r#"{"type":"connection_ack"}"#);
pub(super) const PONG: Utf8Bytes = Utf8Bytes::from_static(r#"{"type":"pong"}"#);

/// Of the older protocol.
pub(super) fn connection_error(message: &str) -> Utf8Bytes {
    serde_json::json!({"type": "connection_error", "payload": {"message": message}}).to_string().into()
}

/// None and null are empty.
fn object(payload: Option<&RawValue>) -> Result<Map<String, Value>, Wrong> {
    match payload.map(|payload| serde_json::from_str(payload.get())) {
        None | Some(Ok(Value::Null)) => Ok(Map::new()),
        Some(Ok(Value::Object(members))) => Ok(members),
        _ => Err(Wrong::Message("the payload of this message is an object".to_owned())),
    }
}

fn joined(parts: &[&[u8]]) -> Utf8Bytes {
    // Ids are JSON texts, and so are responses.
    Utf8Bytes::try_from(parts.concat()).unwrap_or_default()
}
