//! `clef import --from` a server that answers as the Contributor Environment's first one does where it differs from Clef, and that fails.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use regex::Regex;
use serde_json::{Value, json};

use super::{SETTINGS, clef_with, told};
use crate::process::program::Folder;

const SCHEMA: &str = r#"
enum Mood { GLAD SAD }
interface Being { identifier: ID @id name: String }
type Person implements Being {
  born: Date
  entered: DateTime
  mood: Mood
  motto: String!
  shoeSize: Int
  knows: [Being] @relation(name: "KNOWS", direction: OUT)
}
type Dog implements Being { owner: [Person] @relation(name: "OWNS", direction: IN) }
"#;
const PEOPLE: usize = 53;
const TOKEN: &str = "Bearer of-this-test";

/// What it holds and how it behaves.
#[derive(Default)]
struct Original {
    people: Vec<Value>,
    requests: usize,
    pages: usize,
    /// Whether it is changed while it is read.
    is_changing: bool,
    /// Whether it lets itself be asked for its schema.
    is_telling: bool,
}

fn person(number: usize) -> Value {
    let none = json!({"formatted": null, "year": null, "month": null, "day": null});
    // Of a time that is absent, each member is null.
    let mut person = json!({
        "identifier": format!("p{number:03}"), "name": format!("Clara {number}"), "born": none, "mood": null, "motto": "on",
        "entered": {"formatted": null, "year": null, "timezone": null}, "shoeSize": null,
        "knows": [{"__typename": "Dog", "identifier": "d1"}, {"__typename": "Dog", "identifier": "d1"}],
    });
    match number {
        1 => person["born"] = json!({"formatted": "-0044-03-15", "year": -44, "month": 3, "day": 15}),
        // As the search of the original shows dates.
        2 => person["born"] = json!({"formatted": null, "year": 1819, "month": 9, "day": 13}),
        3 => {
            person["entered"] =
                json!({"formatted": "2021-06-22T13:47:10.69Z", "year": 2021, "nanosecond": 690_000_000});
        }
        4 => {
            person["entered"] = json!({"formatted": null, "year": 2021, "month": 6, "day": 22, "hour": 13, "minute": 47,
                "second": 10, "millisecond": 123, "microsecond": 123_400, "nanosecond": 123_400_000, "timezone": "+02:00"});
        }
        5 | 17 => person["motto"] = Value::Null,
        6 => person["knows"] = (0..250).map(|_| json!({"__typename": "Dog", "identifier": "d2"})).collect(),
        7 => person["knows"] = json!([{"__typename": "Person", "identifier": "p040"}]),
        _ => {}
    }
    person
}

fn named(kind: &str, name: &str) -> Value {
    json!({"kind": kind, "name": name, "ofType": null})
}

fn introspection(variables: &Value) -> Value {
    let paged = json!([{"name": "first"}, {"name": "offset"}, {"name": "orderBy"}, {"name": "filter"}]);
    let field = |name: &str, kind: &str, ty: &str| json!({"name": name, "args": [], "type": named(kind, ty)});
    let (id, name) = (field("identifier", "SCALAR", "ID"), field("name", "SCALAR", "String"));
    let fields = match variables["type"].as_str().unwrap() {
        "Person" => {
            json!([id, name, field("born", "OBJECT", "_Neo4jDate"), field("entered", "OBJECT", "_Neo4jDateTime"),
            field("mood", "ENUM", "Mood"), field("motto", "SCALAR", "String"),
            {"name": "knows", "args": paged, "type": {"kind": "LIST", "ofType": named("INTERFACE", "Being")}}])
        }
        // Without `owner`.
        "Dog" => json!([id, name]),
        "_Neo4jDate" => json!([
            field("formatted", "SCALAR", "String"),
            field("year", "SCALAR", "Int"),
            field("month", "SCALAR", "Int"),
            field("day", "SCALAR", "Int")
        ]),
        _ => [
            "formatted",
            "year",
            "month",
            "day",
            "hour",
            "minute",
            "second",
            "millisecond",
            "microsecond",
            "nanosecond",
            "timezone",
        ]
        .map(|name| field(name, "SCALAR", "Int"))
        .into_iter()
        .collect(),
    };
    let ordering = json!({"enumValues": [{"name": "identifier_asc"}, {"name": "identifier_desc"}]});
    let filter = json!({"inputFields": [{"name": "identifier"}, {"name": "identifier_in"}]});
    json!({"type": {"fields": fields}, "ordering": ordering, "filter": filter})
}

impl Original {
    fn answer(&mut self, query: &str, variables: &Value) -> Value {
        if query.contains("__schema") {
            let arguments = json!([{"name": "first"}, {"name": "offset"}, {"name": "orderBy"}, {"name": "filter"}]);
            let fields = json!([{"name": "Person", "args": arguments}, {"name": "Dog", "args": arguments}]);
            return json!({"data": {"__schema": {"queryType": {"name": "Query", "fields": fields}}}});
        }
        if query.contains("__type(") {
            return json!({"data": introspection(variables)});
        }
        let number =
            |pattern: &str| -> usize { Regex::new(pattern).unwrap().captures(query).unwrap()[1].parse().unwrap() };
        if let Some(key) = variables["key"].as_str() {
            let mut found = self.people.iter().find(|person| person["identifier"] == key).unwrap().clone();
            let (first, offset) = (number(r"knows\(first: (\d+)"), number(r"offset: (\d+)"));
            let part: Vec<Value> =
                found["knows"].as_array().unwrap().iter().skip(offset).take(first).cloned().collect();
            found["knows"] = part.into();
            return json!({"data": {"Person": [found]}});
        }
        let (first, offset) = (number(r"first: (\d+)"), number(r"offset: (\d+)"));
        if first > 9 {
            return json!({"errors": [{"message": "Out of memory", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}], "data": null});
        }
        if query.contains("{ Dog(") {
            let dogs: Vec<Value> = ["d1", "d2"]
                .into_iter()
                .skip(offset)
                .take(first)
                .map(|key| json!({"identifier": key, "name": null}))
                .collect();
            return json!({"data": {"Dog": dogs}});
        }
        self.pages += 1;
        if self.is_changing && self.pages == 3 {
            // What was read already goes, and more comes before the place than went.
            self.people.remove(0);
            self.people.remove(0);
            self.people.splice(
                0..0,
                (0..5).map(|number| json!({"identifier": format!("a{number}"), "motto": "new", "knows": []})),
            );
        }
        if self.is_changing && self.pages == 5 {
            self.people.drain(0..5);
        }
        let mut errors = Vec::new();
        let shown = |(position, person): (usize, &Value)| {
            if query.contains("motto") && person["motto"].is_null() {
                errors.push(json!({"message": "Cannot return null for non-nullable field Person.motto.", "path": ["Person", position, "motto"]}));
                return Value::Null;
            }
            let mut shown = person.clone();
            if query.contains("mood") && person["mood"] == "ANGRY" {
                errors.push(json!({"message": "Enum \"Mood\" cannot represent value: \"ANGRY\"", "path": ["Person", position, "mood"]}));
                shown["mood"] = Value::Null;
            }
            let knows = person["knows"].as_array().into_iter().flatten().take(101);
            shown["knows"] = knows.cloned().collect();
            shown.as_object_mut().unwrap().retain(|field, _| query.contains(field));
            shown
        };
        let people: Vec<Value> = self.people.iter().skip(offset).take(first).enumerate().map(shown).collect();
        json!({"data": {"Person": people}, "errors": errors})
    }
}

async fn graphql(State(original): State<Arc<Mutex<Original>>>, headers: HeaderMap, body: String) -> Response {
    if headers.get("authorization").is_none_or(|value| value != TOKEN) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mut original = original.lock().unwrap();
    original.requests += 1;
    let body: Value = serde_json::from_str(&body).unwrap();
    let query = body["query"].as_str().unwrap();
    if !original.is_telling && query.contains("__") && !query.contains("__typename") {
        let error = json!({"message": "GraphQL introspection is not allowed", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}});
        return (StatusCode::BAD_REQUEST, json!({"errors": [error]}).to_string()).into_response();
    }
    match original.requests % 11 {
        3 => StatusCode::BAD_GATEWAY.into_response(),
        6 => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response(),
        _ => ([("content-type", "application/json")], original.answer(query, &body["variables"]).to_string())
            .into_response(),
    }
}

/// The address of a server.
async fn start(original: Original) -> String {
    let router = Router::new()
        .route("/", post(graphql))
        .route("/moved", post(|| async { Redirect::temporary("http://elsewhere.example/") }))
        .with_state(Arc::new(Mutex::new(original)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/")
}

/// What the command tells, whether it succeeds, and what is in the database then.
async fn imported(folder: &Folder, address: &str, arguments: &[&str]) -> (bool, String, String) {
    let path = folder.0.clone();
    std::fs::create_dir_all(path.join("schema")).unwrap();
    std::fs::write(path.join("schema/all.graphql"), SCHEMA).unwrap();
    std::fs::write(path.join("headers"), format!("Authorization: {TOKEN}\n")).unwrap();
    let arguments: Vec<String> =
        ["import", "--from", address].iter().chain(arguments).map(ToString::to_string).collect();
    let run = move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = clef_with(&path, &SETTINGS, &arguments, "");
        let exported = clef_with(&path, &SETTINGS, &["export"], "");
        (output.status.success(), told(&output), String::from_utf8(exported.stdout).unwrap())
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn line<'a>(text: &'a str, key: &str) -> &'a str {
    text.lines().find(|line| line.contains(&format!("\"key\":\"{key}\""))).unwrap_or_default()
}

#[tokio::test]
async fn its_dates_hidden_nodes_and_failures_are_coped_with() {
    let people = || (1..=PEOPLE).map(person).collect();
    for is_telling in [true, false] {
        let folder = Folder::new(&format!("original-{is_telling}"));
        let address = start(Original { people: people(), is_telling, ..Original::default() }).await;
        let (is_done, told, text) = imported(&folder, &address, &["--header", "@headers"]).await;
        assert!(is_done, "{told}");
        assert!(told.contains(&format!("imported: {} nodes, {} relations", PEOPLE + 2, 250 + 1 + 51 * 2)), "{told}");
        if is_telling {
            assert!(told.contains("the server does not show `Person.shoeSize`: left out"), "{told}");
            assert!(told.contains("the server does not show `OWNS from Person`: left out"), "{told}");
        } else {
            assert!(told.contains("the server does not tell its schema"), "{told}");
        }
        let values = |key: &str| line(&text, key).split_once("\"values\":").unwrap().1.trim_end_matches('}').to_owned();
        assert_eq!(values("p001"), r#"{"name":"Clara 1","born":"-999956-03-15 -0044-03-15","motto":"on""#);
        assert_eq!(values("p002"), r#"{"name":"Clara 2","born":"1819-09-13","motto":"on""#);
        assert_eq!(values("p003"), r#"{"name":"Clara 3","entered":"2021-06-22T13:47:10.690000000Z","motto":"on""#);
        let fourth = r#"{"name":"Clara 4","entered":"2021-06-22T11:47:10.123400000Z+07200 2021-06-22T13:47:10.1234+02:00","motto":"on""#;
        assert_eq!(values("p004"), fourth);
        assert_eq!(values("p005"), r#"{"name":"Clara 5""#);
        let person = r#"{"relation":"KNOWS","from":["Person","p007"],"to":["Person","p040"]}"#;
        assert!(text.lines().any(|line| line == person));
        let names: Vec<_> = std::fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!names.iter().any(|name| name.to_string_lossy().starts_with("clef-import")), "{names:?}");
    }
}

#[tokio::test]
async fn nodes_that_stay_are_read_once_although_others_come_and_go() {
    let folder = Folder::new("original-changing");
    let people = (1..=PEOPLE).map(person).collect();
    let address = start(Original { people, is_changing: true, is_telling: true, ..Original::default() }).await;
    let (is_done, told, text) = imported(&folder, &address, &["--header", "@headers", "--page", "7"]).await;
    assert!(is_done, "{told}");
    for number in 3..=PEOPLE {
        let key = format!("\"key\":\"p{number:03}\"");
        assert_eq!(text.lines().filter(|line| line.contains(&key)).count(), 1, "{key}");
    }
}

#[tokio::test]
async fn values_that_cannot_be_used_end_it_or_are_left_out() {
    let folder = Folder::new("original-invalid");
    let mut people: Vec<Value> = (1..=PEOPLE).map(person).collect();
    people[1]["mood"] = json!("ANGRY");
    people[20]["born"] = json!({"formatted": "+999999999-01-01", "year": 999_999_999, "month": 1, "day": 1});
    people[30]["knows"] = json!([{"__typename": "Dog", "identifier": "d9"}]);
    people.push(json!({"identifier": null, "name": "nobody", "motto": "on"}));
    let address = start(Original { people, is_telling: true, ..Original::default() }).await;
    let (is_done, told, _) = imported(&folder, &address, &["--header", "@headers"]).await;
    let expected = "error: Person `p002`, `mood`: the server says: Enum \"Mood\" cannot represent value: \"ANGRY\"";
    assert!(!is_done && told.contains(expected), "{told}");
    let (is_done, told, text) = imported(&folder, &address, &["--header", "@headers", "--skip-invalid"]).await;
    assert!(is_done, "{told}");
    for expected in [
        "left out: Person `p002`, `mood`: ",
        "left out: Person `p021`, `born`: `born`: `year` is `999999999`",
        "left out: Person `number 54`: has no `identifier`",
        "Person `p031` or Dog `d9` is not in the database",
        "4 lines or values were left out",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert!(line(&text, "p002").contains("Clara 2") && line(&text, "p021").contains("Clara 21"));
}

#[tokio::test]
async fn a_server_that_sends_elsewhere_or_asks_who_is_there_is_told() {
    let folder = Folder::new("original-refused");
    let address = start(Original { is_telling: true, ..Original::default() }).await;
    let (is_done, told, _) = imported(&folder, &address, &[]).await;
    assert!(!is_done && told.contains("answers 401 Unauthorized: give what it asks for"), "{told}");
    let (is_done, told, _) = imported(&folder, &format!("{address}moved"), &["--header", "@headers"]).await;
    assert!(!is_done && told.contains("redirects to http://elsewhere.example/: name that address"), "{told}");
    let (is_done, told, _) = imported(&folder, &format!("{address}nowhere"), &[]).await;
    assert!(!is_done && told.contains("answers 404 Not Found: name the address of its GraphQL queries"), "{told}");
    let (is_done, told, _) = imported(&folder, "ftp://example.org", &[]).await;
    assert!(!is_done && told.contains("is no address of a server: write https://HOST/PATH"), "{told}");
}
