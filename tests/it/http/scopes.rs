//! `POST /scopes/explain` says what the guard then does; refusals name what is missing in a header.

use std::collections::BTreeMap;

use clef::auth::PublicOperations;
use clef::http::Limits;
use serde_json::{Value, json};

use super::client::Response;
use super::server::{JSON, Server};

const AUTHORIZATION: &str = "Authorization";

fn limits() -> Limits {
    Limits { body_bytes: 1 << 20, batch: 4, ..Limits::default() }
}

async fn post(server: &Server, path: &str, token: Option<&[u8]>, body: &Value) -> Response {
    let mut headers = vec![JSON];
    headers.extend(token.map(|token| (AUTHORIZATION, token)));
    server.send(&format!("POST {path}"), &headers, body.to_string().as_bytes()).await
}

/// Response keys that are refused, with the code.
fn refused_by_guard(answer: &Value) -> BTreeMap<String, String> {
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    errors
        .iter()
        .map(|error| (text(&error["path"][0]), text(&error["extensions"]["code"])))
        .filter(|(_, code)| code == "UNAUTHENTICATED" || code == "FORBIDDEN")
        .collect()
}

fn refused_by_explanation(answer: &Value) -> BTreeMap<String, String> {
    let fields = answer["fields"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let refused = fields.iter().filter(|field| field["allowed"] == false);
    refused.map(|field| (text(&field["responseKey"]), text(&field["code"]))).collect()
}

#[tokio::test]
async fn the_explanation_of_every_mutation_is_what_the_guard_does() {
    let server = Server::start_with(limits()).await;
    let model = crate::support::model("schema");
    let mutations: Vec<_> = model.mutations().iter().collect();
    assert!(mutations.len() >= 3_700, "all of the Contributor Environment are among them");
    let mut compared = 0;
    // A response tells at most ten errors.
    for batch in mutations.chunks(10) {
        let calls: Vec<String> = batch
            .iter()
            .enumerate()
            .map(|(position, (field, _))| format!("f{position}: {}", crate::guard::call(&model, field)))
            .collect();
        let request = json!({"query": format!("mutation {{ {} }}", calls.join(" "))});
        let scopes: Vec<&str> = batch.iter().map(|(_, mutation)| &*mutation.scope).collect();
        let own = server.token("all", &scopes).await;
        let half = server.token("all", &scopes[..scopes.len() / 2]).await;
        let cases: [(Option<&[u8]>, usize); 4] = [
            (None, batch.len()),
            (Some(b"Bearer a.b.c"), batch.len()),
            (Some(&half), batch.len() - batch.len() / 2),
            (Some(&own), 0),
        ];
        for (token, refused) in cases {
            let explained = post(&server, "/scopes/explain", token, &request).await.json();
            let guarded = post(&server, "/graphql", token, &request).await;
            let header = guarded.header("www-authenticate").map(str::to_owned);
            let guarded = guarded.json();
            assert_eq!(refused_by_explanation(&explained), refused_by_guard(&guarded), "{request}");
            assert_eq!(refused_by_guard(&guarded).len(), refused, "{request}");
            assert_eq!(explained["allowed"], refused == 0);
            assert_eq!(header.is_some(), refused > 0);
            let told = explained["fields"].as_array().unwrap().iter().map(|field| &field["scope"]);
            assert!(told.eq(&scopes), "{explained}");
            compared += batch.len();
        }
    }
    assert_eq!(compared, 4 * mutations.len());
}

#[tokio::test]
async fn an_explanation_names_the_globs_and_tells_what_to_do() {
    let server = Server::start_with(limits()).await;
    let query = "mutation M { a: CreatePerson(name: \"a\") { identifier } CreatePlace { identifier } __typename }";
    let ask = |members: Value| {
        let mut body = json!({"query": query});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        body
    };
    let token = server.token("people", &["Mutation:Person:{Create,Update}"]).await;
    let jwt = str::from_utf8(&token).unwrap().strip_prefix("Bearer ").unwrap();
    let by_header = post(&server, "/scopes/explain", Some(&token), &ask(json!({"operationName": "M"}))).await;
    assert_eq!((by_header.status, by_header.header("cache-control")), (200, Some("no-store")));
    let answer = by_header.json();
    assert_eq!(answer["subject"], "token");
    assert_eq!(answer["keyId"], "people");
    assert_eq!(answer["minimalScopes"]["scopes"], json!(["Mutation:Person:Create", "Mutation:Place:Create"]));
    assert_eq!(answer["minimalScopes"]["globs"], json!(["Mutation:{Person,Place}:Create"]));
    let fields = &answer["fields"];
    assert_eq!(fields[0]["type"], "Person");
    assert_eq!(
        fields[0]["scopes"][0],
        json!({
            "scope": "Mutation:Person:Create", "allowed": true, "tokenGlob": "Mutation:Person:{Create,Update}",
            "keyGlob": "Mutation:Person:*", "reason": null
        })
    );
    assert_eq!(fields[1]["code"], "FORBIDDEN");
    assert_eq!(
        fields[1]["scopes"][0]["reason"],
        "neither a glob of the token nor one of its key covers `Mutation:Place:Create`"
    );
    assert_eq!((&fields[2]["scope"], &fields[2]["allowed"]), (&Value::Null, &json!(true)));
    let by_body = post(&server, "/scopes/explain", None, &ask(json!({"token": jwt}))).await.json();
    assert_eq!(by_body["fields"], answer["fields"]);
    let by_scopes = post(&server, "/scopes/explain", None, &ask(json!({"scopes": ["Mutation:*:Create"]}))).await.json();
    assert_eq!((&by_scopes["subject"], &by_scopes["allowed"]), (&json!("scopes"), &json!(true)));
    let key = json!({"keyId": "people", "apiKey": "key of people"});
    let by_key = post(&server, "/scopes/explain", None, &ask(key)).await.json();
    assert_eq!(by_key["fields"][0]["scopes"][0]["keyGlob"], "Mutation:Person:*");
    assert_eq!(by_key["fields"][1]["allowed"], false);
    let expired = post(&server, "/scopes/explain", None, &ask(json!({"token": "a.b.c"}))).await.json();
    assert_eq!(expired["fields"][0]["code"], "UNAUTHENTICATED");
    let write = json!({"query": "{ Person { identifier } }"});
    let written = post(&server, "/graphql", None, &write).await.json();
    assert_eq!(written["data"]["Person"], json!([]), "nothing was executed");
}

#[tokio::test]
async fn nothing_is_told_of_a_key_to_strangers_and_mistakes_are_named() {
    let server = Server::start_with(limits()).await;
    let query = "{ Person { identifier } }";
    let wrong = "The apiKey and id combination is not correct";
    let cases = [
        (json!({"query": query, "keyId": "people", "apiKey": "x"}), 403, wrong),
        (json!({"query": query, "keyId": "nobody", "apiKey": "x"}), 403, wrong),
        (json!({"query": query, "keyId": "people"}), 400, "`keyId` and `apiKey` belong together"),
        (json!({"query": query, "apiKey": "x"}), 400, "`keyId` and `apiKey` belong together"),
        (json!({"query": query, "token": "x", "scopes": ["*"]}), 400, "`token` cannot stand beside"),
        (json!({"query": query, "scopes": ["!(a)"]}), 400, "`!(`"),
        (json!({"query": query, "scope": ["*"]}), 400, "the body cannot be read"),
        (json!({"scopes": ["*"]}), 400, "the body cannot be read"),
        (json!([]), 400, "the body cannot be read"),
        (json!({"query": "{ Persom { identifier } }"}), 400, "Unknown field \"Persom\""),
        (json!({"query": "{ Person { identifier }"}), 400, "Syntax error"),
        (json!({"query": query, "operationName": "X"}), 400, "Unknown operation named \"X\"."),
        (
            json!({"query": "query($n: Int!) { Person(first: $n) { identifier } }", "variables": {}}),
            400,
            "Variable \"$n\"",
        ),
    ];
    for (body, status, message) in cases {
        let response = post(&server, "/scopes/explain", None, &body).await;
        let told = response.json()["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
        assert!(response.status == status && told.contains(message), "{body}: {} {told}", response.status);
        if status == 400 && body.get("scopes").is_none() && body["query"] != query {
            let executed = post(&server, "/graphql", None, &body).await.json();
            assert!(!body.is_object() || executed["errors"][0]["message"] == *told, "{executed}");
        }
    }
    let get = server.send("GET /scopes/explain", &[], b"").await;
    assert_eq!((get.status, get.header("allow")), (405, Some("OPTIONS, POST")));
    let preflight = server.send("OPTIONS /scopes/explain", &[], b"").await;
    assert_eq!(preflight.status, 204);
    let form = server.send("POST /scopes/explain", &[("Content-Type", b"text/plain")], b"{}").await;
    assert_eq!(form.status, 415);
}

/// Header of the request, body, and the header expected.
type Row<'row> = (Option<&'row [u8]>, &'row Value, Option<&'row str>);

#[tokio::test]
async fn a_refusal_names_the_missing_scopes_in_its_header() {
    let server = Server::start_with(limits()).await;
    let one = json!({"query": "mutation { CreatePlace { identifier } a: CreatePerson { identifier } }"});
    let token = server.token("people", &["Mutation:Person:*"]).await;
    let insufficient = r#"Bearer error="insufficient_scope", scope="Mutation:Place:Create""#;
    let two = r#"Bearer error="insufficient_scope", scope="Mutation:Event:Create Mutation:Place:Create""#;
    let batch = json!([one, {"query": "mutation { CreateEvent { identifier } }"}, {"query": "{ __typename }"}]);
    let cases: &[Row<'_>] = &[
        (None, &one, Some("Bearer")),
        (Some(b""), &one, Some("Bearer")),
        (Some(b"Bearer x"), &one, Some(r#"Bearer error="invalid_token""#)),
        (Some(&token), &one, Some(insufficient)),
        (Some(&token), &batch, Some(two)),
        (Some(&token), &json!({"query": "mutation { CreatePerson { identifier } }"}), None),
        (Some(b"Bearer x"), &json!({"query": "{ Person { identifier } }"}), None),
    ];
    for (token, body, expected) in cases {
        let response = post(&server, "/graphql", *token, body).await;
        assert_eq!((response.status, response.header("www-authenticate")), (200, *expected), "{body}");
        let exposed = response.header("access-control-expose-headers");
        assert_eq!(exposed.is_some_and(|it| it.contains("www-authenticate")), expected.is_some());
    }
}

/// Queries that need a token: document, scopes needed beside `Query:Person:Read`.
#[tokio::test]
async fn a_closed_server_asks_for_the_scope_of_every_type_that_is_reached() {
    let closed = PublicOperations { queries: false, subscriptions: false };
    let server = Server::start_public(limits(), closed).await;
    let cases: &[(&str, &[&str])] = &[
        ("{ __typename __schema { queryType { name } } __type(name: \"Person\") { name } }", &[]),
        ("{ Person { identifier } }", &["Query:Person:Read"]),
        ("{ personBySubstring(substring: \"a\") { name } }", &["Query:Person:Read"]),
        ("{ ThingInterface { name } }", &["Query:ThingInterface:Read"]),
        (
            "{ ThingInterface { name ... on Person { birthDate { year } } ...F } } fragment F on Place { name }",
            &["Query:ThingInterface:Read", "Query:Person:Read", "Query:Place:Read"],
        ),
        ("{ Person { birthPlace { name } } }", &["Query:Person:Read", "Query:Place:Read"]),
        ("{ Person { birthPlace { __typename } } }", &["Query:Person:Read", "Query:Place:Read"]),
        ("{ Person(filter: {birthPlace: {name: \"x\"}}) { name } }", &["Query:Person:Read", "Query:Place:Read"]),
        ("{ Person(filter: {OR: [{birthPlace: null}]}) { name } }", &["Query:Person:Read", "Query:Place:Read"]),
        ("mutation { CreatePerson { identifier __typename } }", &["Mutation:Person:Create"]),
        ("mutation { CreatePerson { identifier name } }", &["Mutation:Person:Create", "Query:Person:Read"]),
        (
            "mutation { MergePerson(identifier: \"a\") { birthPlace { name } } }",
            &["Mutation:Person:Merge", "Query:Person:Read", "Query:Place:Read"],
        ),
        (
            "mutation { AddPersonBirthPlace(from: {identifier: \"a\"}, to: {identifier: \"b\"}) { from { identifier } to { name } } }",
            &["Mutation:PersonBirthPlace:Add", "Query:Place:Read"],
        ),
    ];
    for (query, scopes) in cases {
        let request = json!({"query": query});
        let explained = post(&server, "/scopes/explain", None, &request).await.json();
        let needed = explained["fields"].as_array().unwrap_or_else(|| panic!("{query}: {explained}"));
        let needed: Vec<&str> = needed
            .iter()
            .flat_map(|field| field["scopes"].as_array().unwrap())
            .map(|scope| scope["scope"].as_str().unwrap())
            .collect();
        assert_eq!(needed, *scopes, "{query}");
        let all = server.token("all", if scopes.is_empty() { &["Query:Nothing:Read"] } else { scopes }).await;
        let guarded = post(&server, "/graphql", Some(&all), &request).await.json();
        assert_eq!(refused_by_guard(&guarded), BTreeMap::new(), "{query}: {guarded}");
        for lacking in *scopes {
            let others: Vec<&str> =
                scopes.iter().copied().filter(|scope| scope != lacking).chain(["Query:Nothing:Read"]).collect();
            let token = server.token("all", &others).await;
            let answer = post(&server, "/graphql", Some(&token), &request).await;
            let header = format!(r#"Bearer error="insufficient_scope", scope="{lacking}""#);
            assert_eq!(answer.header("www-authenticate"), Some(header.as_str()), "{query}");
            let answer = answer.json();
            assert_eq!(refused_by_guard(&answer).len(), 1, "{query} without {lacking}: {answer}");
            assert_eq!(answer["errors"][0]["extensions"]["requiredScopes"], json!([lacking]));
        }
    }
    let by_variable = json!({
        "query": "query($f: _PersonFilter) { Person(filter: $f) { name } }", "variables": {"f": {"birthPlace": {"name": "x"}}}
    });
    let token = server.token("all", &["Query:Person:*"]).await;
    let answer = post(&server, "/graphql", Some(&token), &by_variable).await.json();
    assert_eq!(answer["errors"][0]["extensions"]["requiredScopes"], json!(["Query:Place:Read"]));
    let open = json!({"query": by_variable["query"]});
    let explained = post(&server, "/scopes/explain", Some(&token), &open).await.json();
    assert_eq!(explained["fields"][0]["dependsOnVariables"], json!(["f"]));
    let two_parts = server.token("all", &["Query:Person"]).await;
    let answer = post(&server, "/graphql", Some(&two_parts), &json!({"query": "{ Person { name } }"})).await;
    assert_eq!(refused_by_guard(&answer.json()).len(), 1, "two parts are no scope of a field");
    let get = server.send("GET /graphql?query=%7BPerson%7Bname%7D%7D", &[(AUTHORIZATION, &token)], b"").await;
    assert_eq!(get.header("cache-control"), Some("no-store"));
    assert!(get.json()["data"]["Person"].is_array());
}

/// Names of types, and of the fields of `Mutation`; every type that is named is there.
fn seen(answer: &Value) -> (Vec<String>, Vec<String>) {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                let is_named = !matches!(members.get("kind").and_then(Value::as_str), None | Some("LIST" | "NON_NULL"));
                found.extend(members["name"].as_str().filter(|_| is_named).map(str::to_owned));
                members.get("ofType").into_iter().for_each(|inner| references(inner, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let schema = &answer["data"]["__schema"];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let types = list(&schema["types"]);
    let names: Vec<String> = types.iter().map(name).collect();
    let mut named = Vec::new();
    let mut mutations = Vec::new();
    for ty in &types {
        let mut arguments = list(&ty["inputFields"]);
        for field in list(&ty["fields"]) {
            references(&field["type"], &mut named);
            arguments.extend(list(&field["args"]));
            mutations.extend((ty["name"] == "Mutation").then(|| name(&field)));
        }
        for argument in &arguments {
            references(&argument["type"], &mut named);
        }
        references(&ty["interfaces"], &mut named);
        references(&ty["possibleTypes"], &mut named);
        let is_empty = list(&ty["fields"]).is_empty() && ["OBJECT", "INTERFACE"].iter().any(|kind| ty["kind"] == *kind);
        assert!(!is_empty, "{} has no fields", ty["name"]);
    }
    for root in ["queryType", "mutationType", "subscriptionType"] {
        named.extend(schema[root]["name"].as_str().map(str::to_owned));
    }
    let known: std::collections::HashSet<&String> = names.iter().collect();
    let dangling: Vec<_> = named.iter().filter(|name| !known.contains(name)).collect();
    assert!(dangling.is_empty(), "{dangling:?}");
    assert_eq!(schema["mutationType"].is_null(), mutations.is_empty());
    (names, mutations)
}

const INTROSPECTION: &str = "{ __schema { queryType { name } mutationType { name } subscriptionType { name } \
    types { kind name inputFields { ...I } interfaces { ...T } possibleTypes { ...T } fields(includeDeprecated: true) { name type { ...T } \
    args { ...I } } } } } fragment I on __InputValue { name type { ...T } } \
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

#[tokio::test]
async fn introspection_can_be_narrowed_to_what_the_caller_may_do() {
    let server = Server::start_with(limits()).await;
    let request = json!({"query": INTROSPECTION});
    let token = server.token("people", &["Mutation:Person:{Create,Update}"]).await;
    let relations = server.token("all", &["Mutation:PersonKnows:*"]).await;
    let (all_types, all_mutations) = seen(&post(&server, "/graphql", Some(&token), &request).await.json());
    assert!(all_mutations.len() >= 3_700);
    let response = post(&server, "/graphql?visible=mine", Some(&token), &request).await;
    assert_eq!(response.header("cache-control"), Some("private, no-cache"));
    assert!(response.header("vary").unwrap().contains("authorization"));
    let etag = response.header("etag").unwrap().to_owned();
    let (types, mutations) = seen(&response.json());
    assert_eq!(mutations, ["CreatePerson", "UpdatePerson"]);
    assert!(
        types.len() < all_types.len() && types.contains(&"Person".to_owned()) && types.contains(&"Place".to_owned())
    );
    assert!(!types.iter().any(|name| name.starts_with("_AddPerson")), "payloads of others are gone");
    let headers: [(&str, &[u8]); 4] =
        [JSON, (AUTHORIZATION, &token), ("X-Clef-Visible", b"mine"), ("If-None-Match", etag.as_bytes())];
    let known = server.send("POST /graphql", &headers, request.to_string().as_bytes()).await;
    assert_eq!((known.status, known.header("etag")), (304, Some(etag.as_str())));
    let other = [JSON, (AUTHORIZATION, relations.as_slice()), headers[2], headers[3]];
    let other = server.send("POST /graphql", &other, request.to_string().as_bytes()).await;
    assert_eq!(other.status, 200, "another caller has another schema");
    let (types, mutations) = seen(&other.json());
    assert_eq!(mutations, ["AddPersonKnows", "RemovePersonKnows", "MergePersonKnows"]);
    assert!(types.contains(&"_AddPersonKnowsPayload".to_owned()));
    let (types, mutations) = seen(&post(&server, "/graphql?visible=mine", None, &request).await.json());
    assert!(mutations.is_empty() && !types.contains(&"Mutation".to_owned()));
    let all = server.token("all", &["*"]).await;
    let everything = seen(&post(&server, "/graphql?visible=mine", Some(&all), &request).await.json());
    assert_eq!(everything, (all_types, all_mutations));

    let get = format!(
        "GET /graphql?visible=mine&query={}",
        INTROSPECTION.replace(' ', "%20").replace('{', "%7B").replace('}', "%7D")
    );
    let by_get = server.send(&get, &[(AUTHORIZATION, &token)], b"").await;
    assert_eq!(seen(&by_get.json()).1, ["CreatePerson", "UpdatePerson"]);
    let named = json!({"query": "{ a: __type(name: \"Mutation\") { fields { name } } b: __type(name: \"_AddPersonKnowsPayload\") { name } __schema { types { name } } }"});
    let named = post(&server, "/graphql?visible=mine", Some(&token), &named).await.json();
    assert_eq!(named["data"]["a"]["fields"], json!([{"name": "CreatePerson"}, {"name": "UpdatePerson"}]));
    assert_eq!(named["data"]["b"], Value::Null);
    let wrong = post(&server, "/graphql?visible=yours", None, &request).await;
    assert_eq!(wrong.status, 400);
    let plain = post(&server, "/graphql", Some(&token), &request).await;
    assert_eq!(plain.header("vary"), Some("accept, accept-encoding, x-clef-visible"));
    assert_eq!(plain.header("cache-control"), Some("no-cache"));
}
