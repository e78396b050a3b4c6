//! What a client sends, wants to have, and has: the headers `Content-Type`, `Accept`, `Accept-Language`, `Accept-Encoding` and `If-None-Match`.

use axum::http::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_TYPE, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::document::LanguageRange;

/// Of a GraphQL response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    /// JSON, because the client did not say otherwise: status codes are the CE-API's.
    Json,
    /// JSON and nothing else, as the client demands: a GraphQL request that is refused is answered with 200 (GraphQL over HTTP).
    JsonOnly,
    GraphqlResponse,
}

impl MediaType {
    /// The one the client prefers. JSON if it does not say, or wants what there is not, as the CE-API did.
    pub(super) fn preferred(headers: &HeaderMap) -> Self {
        let mut graphql = 0;
        let mut json = None;
        let mut wildcard = 0;
        for (name, quality) in weighted(headers, &ACCEPT) {
            if name.eq_ignore_ascii_case("application/graphql-response+json") {
                graphql = quality;
            } else if name.eq_ignore_ascii_case("application/json") {
                json = Some(quality);
            } else if name == "*/*" || name.eq_ignore_ascii_case("application/*") {
                wildcard = wildcard.max(quality);
            }
        }
        // Of two equally wanted, the newer one: who names it understands it.
        match json {
            _ if graphql > 0 && graphql >= json.unwrap_or(wildcard) => Self::GraphqlResponse,
            Some(json) if json > 0 && wildcard == 0 => Self::JsonOnly,
            _ => Self::Json,
        }
    }

    pub(super) fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json | Self::JsonOnly => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        })
    }
}

/// Of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DocumentType {
    Json,
    JsonLd,
}

impl DocumentType {
    /// The one the client prefers. None: it wants neither, and is no browser.
    pub(super) fn preferred(headers: &HeaderMap) -> Option<Self> {
        if !headers.contains_key(ACCEPT) {
            return Some(Self::Json);
        }
        let (mut json, mut json_ld, mut application, mut any) = (None, None, None, None);
        let (mut is_page, mut is_empty) = (false, true);
        for (name, quality) in weighted(headers, &ACCEPT).filter(|(name, _)| !name.is_empty()) {
            is_empty = false;
            let range = match name.to_ascii_lowercase().as_str() {
                "application/json" => &mut json,
                "application/ld+json" => &mut json_ld,
                "application/*" => &mut application,
                "*/*" => &mut any,
                // Who wants a page to look at can look at JSON.
                "text/html" | "application/xhtml+xml" | "text/*" => {
                    is_page |= quality > 0;
                    continue;
                }
                _ => continue,
            };
            *range = (*range).max(Some(quality));
        }
        let of = |named: Option<u16>| named.or(application).or(any).unwrap_or(0);
        match (of(json), of(json_ld)) {
            // Of two equally wanted, the one that few name: who does understands it.
            (json, wanted) if wanted > 0 && json_ld.is_some() && wanted >= json => Some(Self::JsonLd),
            (0, wanted) if wanted > 0 => Some(Self::JsonLd),
            (0, _) if !is_page && !is_empty => None,
            _ => Some(Self::Json),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::JsonLd => "application/ld+json",
        }
    }
}

/// Languages that the client wants.
pub(super) fn languages(headers: &HeaderMap) -> Vec<LanguageRange<'_>> {
    let ranges = weighted(headers, &ACCEPT_LANGUAGE).filter(|(range, _)| !range.is_empty());
    ranges.map(|(range, quality)| LanguageRange { range, quality }).collect()
}

/// Whether the client has what this tag is of, compared weakly as `If-None-Match` asks (RFC 9110, section 13.1.2).
pub(super) fn is_known(headers: &HeaderMap, etag: impl AsRef<[u8]>) -> bool {
    let opaque = |tag: &[u8]| tag.strip_prefix(b"W/").unwrap_or(tag).to_vec();
    let etag = opaque(etag.as_ref());
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|known| known == b"*" || opaque(known) == etag)
}

/// When to answer with a stream of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventStream {
    Never,
    /// JSON is as welcome or more: where there is a choice, it is given.
    ForSubscriptions,
    Always,
}

impl EventStream {
    pub(super) fn wanted(headers: &HeaderMap) -> Self {
        let mut stream = 0;
        let mut json = 0;
        for (name, quality) in weighted(headers, &ACCEPT) {
            if name.eq_ignore_ascii_case("text/event-stream") {
                stream = quality;
            } else if ["application/json", "application/graphql-response+json"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
            {
                json = json.max(quality);
            }
        }
        match stream {
            0 => Self::Never,
            _ if stream > json => Self::Always,
            _ => Self::ForSubscriptions,
        }
    }
}

/// Whether the body is said to be JSON in UTF-8. Forms and plain text are not: browsers send them across sites
/// without asking.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()) else {
        return false;
    };
    let mut parts = value.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
    is_json
        && parts
            .filter_map(|parameter| parameter.split_once('='))
            .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
            .all(|(_, charset)| {
                let charset = charset.trim().trim_matches('"');
                charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
            })
}

/// Whether the client names this encoding and does not exclude it.
pub(super) fn accepts_encoding(headers: &HeaderMap, encoding: &str) -> bool {
    weighted(headers, &ACCEPT_ENCODING).any(|(name, quality)| quality > 0 && name.eq_ignore_ascii_case(encoding))
}

/// The members of a list with their `q`, in thousandths (RFC 9110, section 12.4.2). An odd `q` counts as 1.
fn weighted<'headers>(headers: &'headers HeaderMap, header: &HeaderName) -> impl Iterator<Item = (&'headers str, u16)> {
    headers.get_all(header).into_iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(
        |member| {
            let mut parts = member.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let quality = parts
                .filter_map(|parameter| parameter.split_once('='))
                .find(|(name, _)| name.eq_ignore_ascii_case("q"))
                .map_or(1000, |(_, quality)| thousandths(quality));
            (name, quality)
        },
    )
}

fn thousandths(quality: &str) -> u16 {
    match quality.split_once('.') {
        None if quality == "0" => 0,
        Some(("0", digits)) => format!("{digits:0<3.3}").parse().unwrap_or(1000),
        _ => 1000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn the_response_has_the_media_type_that_is_preferred() {
        use MediaType::{GraphqlResponse, Json, JsonOnly};
        assert_eq!(MediaType::preferred(&HeaderMap::new()), Json);
        let cases = [
            ("*/*", Json),
            ("application/json", JsonOnly),
            ("application/json, text/plain, */*", Json),
            ("application/json;q=0", Json),
            ("text/html", Json),
            ("application/graphql-response+json", GraphqlResponse),
            ("application/graphql-response+json; charset=utf-8", GraphqlResponse),
            ("Application/GraphQL-Response+JSON", GraphqlResponse),
            ("application/graphql-response+json, application/json;q=0.9", GraphqlResponse),
            ("application/json, application/graphql-response+json", GraphqlResponse),
            ("application/json, application/graphql-response+json;q=0.9", JsonOnly),
            ("application/graphql-response+json;q=0, */*", Json),
            ("application/graphql-response+json;q=0.5, */*;q=0.1", GraphqlResponse),
        ];
        for (accept, expected) in cases {
            assert_eq!(MediaType::preferred(&headers(ACCEPT, accept)), expected, "{accept}");
        }
    }

    #[test]
    fn a_document_has_the_media_type_that_is_preferred() {
        use DocumentType::{Json, JsonLd};
        assert_eq!(DocumentType::preferred(&HeaderMap::new()), Some(Json));
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
        let cases = [
            ("", Some(Json)),
            ("*/*", Some(Json)),
            ("application/*", Some(Json)),
            ("application/json", Some(Json)),
            ("application/ld+json", Some(JsonLd)),
            ("Application/LD+JSON; profile=\"http://www.w3.org/ns/json-ld#compacted\"", Some(JsonLd)),
            ("application/ld+json, application/json", Some(JsonLd)),
            ("application/json, application/ld+json", Some(JsonLd)),
            ("application/json, application/ld+json;q=0.9", Some(Json)),
            ("application/ld+json, */*", Some(JsonLd)),
            ("application/ld+json;q=0.1, */*", Some(Json)),
            ("application/ld+json;q=0, */*", Some(Json)),
            ("application/json;q=0, */*", Some(JsonLd)),
            ("application/json;q=0, application/ld+json;q=0", None),
            ("text/html", Some(Json)),
            (browser, Some(Json)),
            ("text/turtle", None),
            ("text/turtle, */*;q=0.1", Some(Json)),
            ("image/png;q=nan", None),
        ];
        for (accept, expected) in cases {
            assert_eq!(DocumentType::preferred(&headers(ACCEPT, accept)), expected, "{accept}");
        }
    }

    #[test]
    fn events_are_streamed_to_who_asks_for_them() {
        use EventStream::{Always, ForSubscriptions, Never};
        let cases = [
            ("text/event-stream", Always),
            ("text/event-stream, application/json;q=0.9", Always),
            ("text/event-stream;q=0", Never),
            (
                "application/graphql-response+json, application/json, text/event-stream, multipart/mixed",
                ForSubscriptions,
            ),
            ("*/*", Never),
            ("text/*", Never),
        ];
        for (accept, expected) in cases {
            assert_eq!(EventStream::wanted(&headers(ACCEPT, accept)), expected, "{accept}");
        }
    }

    #[test]
    fn only_json_in_utf_8_is_read() {
        assert!(!is_json(&HeaderMap::new()));
        let cases = [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json;charset=\"utf-8\"", true),
            ("application/json; profile=x", true),
            ("application/json; charset=iso-8859-1", false),
            ("application/json; charset=utf-16", false),
            ("application/jsonp", false),
            ("text/plain", false),
            ("text/plain; x=application/json", false),
            ("application/x-www-form-urlencoded", false),
            ("multipart/form-data; boundary=x", false),
            ("application/graphql", false),
            ("", false),
        ];
        for (content_type, expected) in cases {
            assert_eq!(is_json(&headers(CONTENT_TYPE, content_type)), expected, "{content_type}");
        }
    }

    #[test]
    fn an_encoding_must_be_named_and_wanted() {
        let cases = [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("gzip;q=0.001", true),
            ("br", false),
            ("identity", false),
            ("", false),
        ];
        for (accepted, expected) in cases {
            let headers = headers(ACCEPT_ENCODING, accepted);
            assert_eq!(accepts_encoding(&headers, "gzip"), expected, "{accepted}");
        }
    }
}
