//! What is asked for, by whom, and where the server is.

use clef::auth::PublicOperations;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{LD, World};

const KEY: &str = "5a0cb6d5-9f1c-4a3f-8bd4-0a2f2b8e2f11";

async fn person() -> World {
    let world = World::new("schema").await;
    world
        .run(&format!(
            r#"mutation {{ CreatePerson(identifier: "{KEY}", name: "Clara", language: de) {{ name }} odd: CreatePlace(identifier: "a/b ü", name: "Odd") {{ name }}
               CreatePlace(identifier: "none", name: "No language") {{ name }}
               AddPersonDeathPlace(from: {{identifier: "{KEY}"}}, to: {{identifier: "a/b ü"}}) {{ from {{ name }} }} }}"#
        ))
        .await;
    world
}

#[tokio::test]
async fn the_media_type_and_the_language_are_the_clients_choice() {
    let world = person().await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    // Accept, Accept-Language, status, media type.
    let cases = [
        ("application/json", "", 200, "application/json; charset=utf-8"),
        (browser, "en-US,en;q=0.5", 200, "application/json; charset=utf-8"),
        ("text/html", "", 200, "application/json; charset=utf-8"),
        ("application/ld+json", "", 200, "application/ld+json"),
        ("application/ld+json, */*;q=0.1", "", 200, "application/ld+json"),
        ("application/ld+json;q=0.2, application/json;q=0.3", "", 200, "application/json; charset=utf-8"),
        ("text/turtle", "", 406, "application/problem+json; charset=utf-8"),
        ("application/ld+json", "de", 200, "application/ld+json"),
        ("application/ld+json", "en, de-AT;q=0.1", 200, "application/ld+json"),
        ("application/ld+json", "en, *;q=0.1", 200, "application/ld+json"),
        ("application/ld+json", "en", 406, "application/problem+json; charset=utf-8"),
        ("application/ld+json", "de;q=0, *", 406, "application/problem+json; charset=utf-8"),
        ("application/json", "en", 200, "application/json; charset=utf-8"),
    ];
    for (accept, language, status, media_type) in cases {
        let mut headers = vec![("Accept", accept.as_bytes())];
        if !language.is_empty() {
            headers.push(("Accept-Language", language.as_bytes()));
        }
        let response = world.get(KEY, &headers).await;
        let found = (response.status, response.header("content-type").unwrap());
        assert_eq!(found, (status, media_type), "{accept} {language}");
        if status == 200 {
            assert_eq!(response.header("content-language"), Some("de"));
            assert_eq!(response.header("vary"), Some("accept, accept-language, accept-encoding"));
        }
    }
    assert_eq!(world.get("none", &[LD, ("Accept-Language", b"en")]).await.status, 406, "as the CE-API");
    assert_eq!(world.get("none", &[LD, ("Accept-Language", b"en, *")]).await.status, 200);
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let world = person().await;
    let json = world.get(KEY, &[]).await;
    let tag = json.header("etag").unwrap().to_owned();
    assert!(tag.starts_with('"') && tag.len() > 20, "strong: {tag}");
    assert_eq!(json.header("cache-control"), Some("no-cache"));
    assert!(json.header("last-modified").unwrap().ends_with(" GMT"));
    let json_ld = world.get(KEY, &[LD]).await.header("etag").unwrap().to_owned();
    assert_ne!(json_ld, tag, "other bytes, another tag");
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let response = world.get(KEY, &[("If-None-Match", known.as_bytes())]).await;
        assert_eq!((response.status, response.body.len()), (304, 0), "{known}");
        assert_eq!(response.header("etag"), Some(tag.as_str()));
    }
    assert_eq!(world.get(KEY, &[("If-None-Match", json_ld.as_bytes())]).await.status, 200);
    let zipped = world.get(KEY, &[("Accept-Encoding", b"gzip")]).await;
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    let zipped_tag = zipped.header("etag").unwrap();
    assert_eq!(zipped_tag, format!("\"{}-gzip\"", tag.trim_matches('"')));
    let known = [("If-None-Match", zipped_tag.as_bytes()), ("Accept-Encoding", b"gzip".as_slice())];
    assert_eq!(world.get(KEY, &known).await.status, 304);
    world.run(&format!(r#"mutation {{ UpdatePerson(identifier: "{KEY}", name: "Clara Schumann") {{ name }} }}"#)).await;
    assert_eq!(world.get(KEY, &[("If-None-Match", tag.as_bytes())]).await.status, 200, "it has changed");
}

#[tokio::test]
async fn head_is_get_without_a_body_and_other_methods_are_told_which_are_allowed() {
    let world = person().await;
    let get = world.get(KEY, &[]).await;
    let head = world.server.send(&format!("HEAD /{KEY}"), &[], b"").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["content-type", "content-length", "etag", "vary", "cache-control", "content-language"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let response = world.server.send(&format!("{method} /{KEY}"), &[], b"").await;
        assert_eq!((response.status, response.header("allow")), (405, Some("OPTIONS, GET, HEAD")), "{method}");
    }
    let preflight = world.server.send(&format!("OPTIONS /{KEY}"), &[], b"").await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-methods")), (204, Some("OPTIONS,GET,HEAD")));
    assert_eq!(get.header("access-control-allow-origin"), Some("*"));
}

#[tokio::test]
async fn what_is_not_there_is_told_as_the_ce_api_did() {
    let world = person().await;
    let unknown = world.get("5a0cb6d5-9f1c-4a3f-8bd4-0a2f2b8e2f12", &[]).await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.json()["message"].as_str().unwrap().starts_with("no node has the identifier"));
    for odd in ["nobody", "5a0cb6d59f1c4a3f8bd40a2f2b8e2f11", "urn:uuid:5a0cb6d5-9f1c-4a3f-8bd4-0a2f2b8e2f12", "x%22"] {
        let response = world.get(odd, &[]).await;
        assert_eq!(
            (response.status, response.json()),
            (400, json!({"error": {"message": "Identifier should be UUID"}}))
        );
    }
    assert_eq!(world.get("%ff", &[]).await.status, 400);
    assert_eq!(world.get(&format!("{KEY}/"), &[]).await.status, 200, "a slash at the end is ignored");
}

#[tokio::test]
async fn identifiers_that_are_no_uuids_are_found_and_linked() {
    let world = person().await;
    let linked = world.json(KEY).await["deathPlace"].clone();
    assert_eq!(linked, json!(["http://test/a%2Fb%20%C3%BC"]));
    let place = world.json("a%2Fb%20%C3%BC").await;
    assert_eq!((&place["identifier"], &place["name"]), (&json!("a/b ü"), &json!("Odd")));
}

#[tokio::test]
async fn another_schema_has_documents_by_its_own_keys_and_words() {
    let world = World::new("tests/schemas/library").await;
    world
        .run(
            r#"mutation {
              b: CreateBook(isbn: "978-3-16", title: "Faust", weightKilograms: 0.1, languages: [EU], published: {formatted: "1808"}, measures: {w: 1}) { title }
              a: CreateAuthor(number: "17", name: "Goethe") { name }
              w: AddAuthorWrote(from: {number: "17"}, to: {isbn: "978-3-16"}) { from { name } } }"#,
        )
        .await;
    let book = world.json("978-3-16").await;
    assert_eq!(
        (&book["isbn"], &book["published"], &book["weightKilograms"]),
        (&json!("978-3-16"), &json!("1808-01-01"), &json!(0.1))
    );
    assert_eq!((&book["writtenBy"], &book["measures"]), (&json!(["http://test/17"]), &json!({"w": 1})));
    assert_eq!(
        world.json_ld("978-3-16").await,
        json!({"@id": "http://test/978-3-16"}),
        "nothing says what its fields mean"
    );
    assert_eq!(world.get("nobody", &[]).await.status, 404, "where keys are anything, no key is malformed");
}

#[tokio::test]
async fn addresses_are_those_that_clients_know() {
    let known = World::with("schema", PublicOperations::default(), Some("https://api.example.org/ce")).await;
    known.run(r#"mutation { CreatePerson(identifier: "p") { name } }"#).await;
    assert_eq!(known.json_ld("p").await["@id"], "https://api.example.org/ce/p");
    let world = person().await;
    let host = ("X-Forwarded-Host", b"evil.example".as_slice());
    let forwarded = world.get(KEY, &[LD, host, ("X-Forwarded-Proto", b"https")]).await;
    assert_eq!(forwarded.json()["@id"], format!("http://test/{KEY}"), "nobody is trusted here");
}

#[tokio::test]
async fn what_is_no_host_gets_into_no_address() {
    let world = person().await;
    for (host, status) in [("x\"+n.secret+\"", 400), ("a b", 400), ("user@test", 400), ("", 400), ("[::1]:4000", 200)] {
        let mut stream = TcpStream::connect(world.server.address).await.unwrap();
        let request = format!("GET /{KEY} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {answer}");
        assert!(!answer.contains("n.secret"), "{answer}");
        assert_eq!(answer.contains("http://[::1]:4000/a%2Fb"), status == 200, "{answer}");
    }
}

#[tokio::test]
async fn a_document_needs_the_scopes_of_its_query() {
    let closed = PublicOperations { queries: false, subscriptions: true };
    let world = World::with("schema", closed, None).await;
    world
        .run(&format!(r#"mutation {{ CreateAnnotationTextualBody(identifier: "{KEY}", value: "x") {{ identifier }} p: CreatePerson(identifier: "p") {{ identifier }} }}"#))
        .await;
    for path in [KEY, "nobody"] {
        let response = world.get(path, &[]).await;
        assert_eq!((response.status, response.header("www-authenticate")), (401, Some("Bearer")), "{path}");
        assert_eq!(world.get(path, &[("Authorization", b"Bearer x")]).await.status, 401, "{path}");
    }
    let body = world.server.token("all", &["Query:AnnotationTextualBody:Read"]).await;
    let read = world.get(KEY, &[("Authorization", &body)]).await;
    assert_eq!((read.status, read.json()["value"].as_str()), (200, Some("x")));
    assert_eq!(read.header("cache-control"), Some("private, no-cache"));
    assert!(read.header("vary").unwrap().contains("authorization"));
    assert_eq!(world.get("p", &[("Authorization", &body)]).await.status, 400, "as if it were not there");
    let person = world.server.token("all", &["Query:Person:Read"]).await;
    let refused = world.get("p", &[("Authorization", &person)]).await;
    assert_eq!(refused.status, 403);
    let missing = refused.json()["requiredScopes"].to_string();
    assert!(missing.contains("Query:Place:Read") && !missing.contains("Query:Person:Read"), "{missing}");
    let all = world.server.token("all", &["Query:*:Read"]).await;
    assert_eq!(world.get("p", &[("Authorization", &all)]).await.status, 200);
}
