//! Requests that are wrong.

use super::server::{JSON, QUERY, Server};

/// Request line, headers, body; status and how the message starts.
type Row<'row> = (&'row str, Headers<'row>, &'row [u8], u16, &'row str);
type Headers<'row> = &'row [(&'row str, &'row [u8])];

const NONE: Headers<'static> = &[];
const AS_JSON: Headers<'static> = &[JSON];
const AS_FORM: Headers<'static> = &[("Content-Type", b"application/x-www-form-urlencoded")];
const AS_TEXT: Headers<'static> = &[("Content-Type", b"text/plain")];
const AS_UPLOAD: Headers<'static> = &[("Content-Type", b"multipart/form-data; boundary=x")];
const IN_LATIN: Headers<'static> = &[("Content-Type", b"application/json; charset=iso-8859-1")];
const THREE: &[u8] = br#"[{"query":"{a}"},{"query":"{a}"},{"query":"{a}"}]"#;

#[rustfmt::skip]
const ROWS: &[Row<'static>] = &[
    ("POST /", AS_JSON, b"", 400, "the body is empty"),
    ("POST /", NONE, b"", 415, "the body must be sent as"),
    ("POST /graphql", AS_JSON, b"{", 400, "the body is no JSON from line 1, column 1 on"),
    ("POST /graphql", AS_JSON, b"{}", 400, "Must provide query string."),
    ("POST /", AS_JSON, b"[]", 400, "the batch is empty"),
    ("POST /", AS_JSON, THREE, 400, "3 requests are too many"),
    ("POST /", NONE, QUERY, 415, "the body must be sent as"),
    ("POST /", AS_FORM, QUERY, 415, "the body must be sent as"),
    ("POST /", AS_TEXT, QUERY, 415, "the body must be sent as"),
    ("POST /", AS_UPLOAD, b"--x", 415, "the body must be sent as"),
    ("POST /graphql", AS_UPLOAD, QUERY, 415, "the body must be sent as"),
    ("POST /jwt", AS_UPLOAD, b"{}", 415, "the body must be sent as"),
    ("POST /jwt", AS_TEXT, b"{}", 415, "the body must be sent as"),
    ("POST /scopes/explain", AS_UPLOAD, QUERY, 415, "the body must be sent as"),
    ("POST /scopes/explain", AS_FORM, QUERY, 415, "the body must be sent as"),
    ("POST /scopes/explain", AS_TEXT, QUERY, 415, "the body must be sent as"),
    ("POST /", IN_LATIN, QUERY, 415, "the body must be sent as"),
    ("GET /", NONE, b"", 400, "GET query missing."),
    ("GET /graphql?query=%7Ba%7D&variables=x", NONE, b"", 400, "Variables are invalid JSON."),
    ("PUT /", AS_JSON, QUERY, 405, "the method is not allowed here"),
    ("DELETE /graphql", NONE, b"", 405, "the method is not allowed here"),
    ("GET /no/where", NONE, b"", 404, "`/no/where` is nothing here"),
    ("POST /nowhere", AS_JSON, QUERY, 405, "the method is not allowed here: use one of OPTIONS, GET, HEAD"),
    ("GET /jwt", NONE, b"", 405, "the method is not allowed here: use one of OPTIONS, POST"),
    ("POST /jwt", AS_JSON, b"{", 400, "the body is no JSON from line 1, column 1 on"),
    ("POST /jwt", AS_JSON, b"5", 400, "the body is no object"),
    ("POST /jwt", AS_FORM, b"id=all", 415, "the body must be sent as"),
    ("POST /jwt", NONE, b"", 401, "The `apiKey` or `id` property is missing in the request body"),
    ("POST /health", NONE, b"", 405, "the method is not allowed here: use one of OPTIONS, GET"),
];

async fn check(server: &Server, row: &Row<'_>) {
    let (line, headers, body, status, message) = row;
    let response = server.send(line, headers, body).await;
    let answer = response.json();
    let told = answer["errors"][0]["message"].as_str().or(answer["message"].as_str()).unwrap_or_default();
    assert_eq!(response.status, *status, "{line} {answer}");
    assert!(told.starts_with(message), "{line}: {answer}");
    let content_type = response.header("content-type").unwrap_or_default();
    assert!(content_type.ends_with("json; charset=utf-8"), "{line}");
    assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
    assert!(response.header("x-request-id").is_some());
}

#[tokio::test]
async fn requests_that_are_wrong_are_answered_in_json() {
    let server = Server::start().await;
    for row in ROWS {
        check(&server, row).await;
    }
}

#[tokio::test]
async fn bodies_that_are_too_large_are_refused_whether_announced_or_not() {
    let server = Server::start().await;
    let (large, huge) = (vec![b' '; 5000], vec![b' '; 102_401]);
    let in_chunks = [b"1388\r\n", large.as_slice(), b"\r\n0\r\n\r\n"].concat();
    let chunked = [JSON, ("Transfer-Encoding", b"chunked")];
    let message = "the body has more than 4096 bytes";
    check(&server, &("POST /", AS_JSON, &large, 413, message)).await;
    check(&server, &("POST /", &chunked, &in_chunks, 413, message)).await;
    let message = "the body has more than 102400 bytes";
    check(&server, &("POST /jwt", AS_JSON, &huge, 413, message)).await;
}

#[tokio::test]
async fn a_method_that_is_not_allowed_is_told_which_are() {
    let server = Server::start().await;
    let cases = [
        ("PUT /", "OPTIONS, POST, GET"),
        ("PATCH /graphql", "OPTIONS, POST, GET"),
        ("HEAD /", "OPTIONS, POST, GET"),
        ("GET /jwt", "OPTIONS, POST"),
        ("POST /health", "OPTIONS, GET"),
        ("GET /?query=mutation%7BCreatePerson%7Bidentifier%7D%7D", "POST"),
        ("GET /graphql?query=mutation%7BCreatePerson%7Bidentifier%7D%7D", "POST"),
    ];
    for (line, allow) in cases {
        let response = server.send(line, &[], b"").await;
        assert_eq!((response.status, response.header("allow")), (405, Some(allow)), "{line}");
    }
}
