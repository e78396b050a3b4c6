//! The token of a WebSocket: of the handshake, of the payload of `connection_init`, or of a later one that renews it.

use axum::http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

/// Members of a payload that hold a token, in any case.
const NAMES: [&str; 4] = ["authorization", "authtoken", "auth-token", "token"];

/// Values of the header `Authorization`, as they would be of a request. Kept as long as the socket, to be checked again and again.
#[derive(Debug, Default)]
pub(super) struct Credentials(Vec<SecretString>);

/// There is a token, but it is no text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Credentials {
    pub(super) fn from_headers<'value>(values: impl IntoIterator<Item = &'value HeaderValue>) -> Self {
        let texts =
            values.into_iter().map(|value| SecretString::from(String::from_utf8_lossy(value.as_bytes()).into_owned()));
        Self(texts.filter(|text| !text.expose_secret().trim().is_empty()).collect())
    }

    /// None if the payload has none: `{"Authorization": "Bearer …"}`, `{"authToken": "…"}`, or either below `headers`.
    pub(super) fn from_payload(payload: &Map<String, Value>) -> Result<Option<Self>, Malformed> {
        let named = |name: &str, value: &Value| NAMES.contains(&name.to_ascii_lowercase().as_str()) && !value.is_null();
        let found = payload.iter().find(|(name, value)| named(name, value));
        let Some((_, value)) = found else {
            let headers =
                payload.iter().find(|(name, value)| name.eq_ignore_ascii_case("headers") && value.is_object());
            return match headers.and_then(|(_, headers)| headers.as_object()) {
                Some(headers) if !headers.contains_key("headers") => Self::from_payload(headers),
                _ => Ok(None),
            };
        };
        let text = value.as_str().ok_or(Malformed)?.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let text = if text.contains(' ') { text.to_owned() } else { ["Bearer ", text].concat() };
        Ok(Some(Self(vec![text.into()])))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|text| text.expose_secret().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_is_found_under_each_of_its_names() {
        let cases = [
            (json!({"Authorization": "Bearer a.b.c"}), Ok(Some("Bearer a.b.c"))),
            (json!({"authorization": "bearer a.b.c"}), Ok(Some("bearer a.b.c"))),
            (json!({"authToken": "a.b.c"}), Ok(Some("Bearer a.b.c"))),
            (json!({"token": "a.b.c", "x": 1}), Ok(Some("Bearer a.b.c"))),
            (json!({"headers": {"Authorization": "Bearer a.b.c"}}), Ok(Some("Bearer a.b.c"))),
            (json!({"headers": {"headers": {"Authorization": "Bearer a"}}}), Ok(None)),
            (json!({"Authorization": ""}), Ok(None)),
            (json!({"Authorization": null, "authToken": "a"}), Ok(Some("Bearer a"))),
            (json!({"Authorization": 1}), Err(Malformed)),
            (json!({"Authorization": ["Bearer a"]}), Err(Malformed)),
            (json!({}), Ok(None)),
        ];
        for (payload, expected) in cases {
            let found = Credentials::from_payload(payload.as_object().unwrap());
            let found = found.map(|found| found.map(|it| it.0[0].expose_secret().to_owned()));
            assert_eq!(found.as_ref().map(Option::as_deref), expected.as_ref().map(|it| *it), "{payload}");
        }
    }
}
