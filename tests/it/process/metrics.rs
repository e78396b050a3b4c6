//! `GET /metrics`: what a server counts, on an address of its own.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::program::{Folder, Program, SECRET, run};
use crate::http::client::send;
use crate::support::is_postgres;

const API_KEY: &str = "the-only-key-of-people";
const KEYS: &str = r#"[{"id": "people", "apiKey": "the-only-key-of-people", "scopes": ["Mutation:Person:*"]}]"#;

fn address(program: &Program) -> SocketAddr {
    let line: Value = serde_json::from_str(&program.wait_for("\"message\":\"metrics\"")).unwrap();
    line["address"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_happens_is_counted_and_no_word_of_a_client_is_told() {
    let folder = Folder::new("metrics");
    let settings = [("JWT_SECRET", SECRET), ("JWT_AUTH_KEYS", KEYS), ("METRICS_ADDRESS", "127.0.0.1:0")];
    let program = Program::start(&folder.0, &settings);
    let metrics = address(&program);
    let jwt =
        program.mint("people", API_KEY, &["Mutation:Person:Create"]).await.json()["jwt"].as_str().unwrap().to_owned();
    program.mint("people", "a wrong key", &["*"]).await;
    program.mutate(&jwt, "mutation { CreatePerson(identifier: \"hidden-id\") { identifier } }").await;
    program.mutate(&jwt, "mutation { CreatePerson(identifier: \"hidden-id\") { identifier } }").await;
    program.mutate(&jwt, "mutation { DeletePerson(identifier: \"hidden-id\") { identifier } }").await;
    program.mutate("", "mutation { DeletePerson(identifier: \"hidden-id\") { identifier } }").await;
    program.send("POST /graphql", &[], &json!({"query": "{ Person(identifier: \"hidden-id\") { identifier } }"})).await;
    program.send("POST /graphql", &[], &json!({"query": "{ hiddenField }"})).await;
    program.send("BREW /hidden/path/of/mine", &[], &Value::Null).await;
    program.send("GET /hidden-id", &[], &Value::Null).await;
    let response = send(metrics, "GET /metrics", &[], b"").await;
    let text = String::from_utf8(response.body.clone()).unwrap();
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    // On PostgreSQL, tokens and wrong keys are counted in the database, for all servers together.
    let commits = if is_postgres() { "clef_database_commits_total 4" } else { "clef_database_commits_total 1" };
    for line in [
        commits,
        "clef_http_requests_total{route=\"/graphql\",method=\"POST\",status=\"2xx\"} 5",
        "clef_http_requests_total{route=\"/jwt\",method=\"POST\",status=\"2xx\"} 1",
        "clef_http_requests_total{route=\"/jwt\",method=\"POST\",status=\"4xx\"} 1",
        "clef_http_requests_total{route=\"other\",method=\"other\",status=\"4xx\"} 1",
        "clef_http_request_duration_seconds_count{route=\"/graphql\"} 6",
        "clef_graphql_operations_total{kind=\"mutation\",code=\"OK\"} 1",
        "clef_graphql_operations_total{kind=\"mutation\",code=\"CONFLICT\"} 1",
        "clef_graphql_operations_total{kind=\"none\",code=\"GRAPHQL_VALIDATION_FAILED\"} 1",
        "clef_graphql_denied_fields_total{kind=\"mutation\",code=\"FORBIDDEN\"} 1",
        "clef_graphql_denied_fields_total{kind=\"mutation\",code=\"UNAUTHENTICATED\"} 1",
        "clef_token_requests_total{outcome=\"minted\"} 1",
        "clef_token_requests_total{outcome=\"wrong_credentials\"} 1",
        "clef_streams{transport=\"websocket\"} 0",
        "clef_database_writes_total 2",
        "clef_database_failures_total{reason=\"conflict\"} 1",
        "clef_subscriptions 0",
        "clef_build_info{version=\"0.1.0\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    for name in ["process_resident_memory_bytes ", "process_open_fds ", "process_max_fds "] {
        let value = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}: {text}"));
        assert!(value.parse::<u64>().unwrap() > 5, "{name}{value}");
    }
    assert!(text.ends_with("# EOF\n"), "{text}");
    for secret in ["hidden", API_KEY, "a wrong key", SECRET, &jwt, "BREW", "people"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let open = send(metrics, "GET /metrics", &[("Accept", b"application/openmetrics-text; version=1.0.0")], b"").await;
    assert!(open.header("content-type").is_some_and(|it| it.starts_with("application/openmetrics-text")));
    assert_eq!(send(metrics, "GET /graphql", &[], b"").await.status, 404, "nothing else is served there");
    assert_ne!(program.send("GET /metrics", &[], &Value::Null).await.status, 200, "and metrics nowhere else");
    program.stop();
}

#[test]
fn an_address_that_cannot_be_used_stops_the_start() {
    let folder = Folder::new("metrics-address");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (address, expected) in
        [("9464", "`9464` is no address with a port"), (&*taken, "METRICS_ADDRESS: stop what listens")]
    {
        let settings = [("JWT_SECRET", SECRET), ("JWT_AUTH_KEYS", KEYS), ("PORT", "0"), ("METRICS_ADDRESS", address)];
        let output = run(&folder.0, &settings, &[], "");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(expected), "{told}");
    }
}
