//! What subscriptions deliver, transports apart.

use std::sync::Arc;
use std::time::Duration;

use clef::auth::PublicOperations;
use clef::graphql::{Delivery, End, Engine, Mailbox, Request, Started, Subscription};
use serde_json::{Value, json};

use crate::support::{access, engine, is_postgres, json as body, model, run};

struct Listener {
    mailbox: Arc<Mailbox>,
    _subscription: Subscription,
}

impl Listener {
    async fn next(&self) -> Value {
        match tokio::time::timeout(Duration::from_secs(5), self.mailbox.next()).await.expect("an event") {
            (7, Delivery::Payload(payload)) => serde_json::from_slice(&payload).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn nothing(&self) {
        let next = tokio::time::timeout(Duration::from_millis(150), self.mailbox.next()).await;
        assert!(next.is_err(), "{next:?}");
    }
}

async fn start(engine: &Engine, query: &str) -> Result<Listener, Value> {
    start_with(engine, query, Value::Null).await
}

async fn start_with(engine: &Engine, query: &str, variables: Value) -> Result<Listener, Value> {
    let variables = async_graphql::Variables::from_json(variables);
    let request = Request { query: query.to_owned(), variables, ..Request::default() };
    let mailbox = Arc::new(Mailbox::default());
    match engine.start(request, access(&[]), &mailbox, 7).await {
        Started::Stream(subscription) => Ok(Listener { mailbox, _subscription: subscription }),
        Started::Answer(answer) => Err(body(&answer)),
    }
}

async fn listen(engine: &Engine, query: &str) -> Listener {
    start(engine, query).await.unwrap_or_else(|refused| panic!("{refused}"))
}

#[tokio::test]
async fn created_things_are_told_by_type_also_those_the_original_choked_on() {
    let engine = engine(model("schema")).await;
    let all = listen(&engine, "subscription { ThingCreateMutation { type identifier __typename } }").await;
    let terms = listen(&engine, "subscription { ThingCreateMutation(onTypes: [DefinedTerm, Place]) { type } }").await;
    let none = listen(&engine, "subscription { ThingCreateMutation(onTypes: []) { type } }").await;
    let names: Vec<String> = {
        let model = engine.model();
        let things = &model.node_type(model.type_named("ThingInterface").unwrap()).possible;
        things.iter().map(|id| model.node_type(*id).name.to_string()).collect()
    };
    assert_eq!(names.len(), 39);
    for name in &names {
        let required = match name.as_str() {
            "Article" | "AudioObject" => {
                r#"contributor: "https://a.b", creator: "https://a.b", format: "f", source: "https://a.b","#
            }
            "Annotation" => "motivation: linking,",
            "DefinedTerm" => r#"termCode: "t","#,
            "PropertyValue" => "valueReference: String,",
            "Rating" => "bestRating: 5,",
            _ => "",
        };
        let created = run(
            &engine,
            &format!(r#"mutation {{ a: Create{name}({required} identifier: "x-{name}") {{ id: identifier }} }}"#),
        )
        .await;
        assert_eq!(created["errors"], Value::Null, "{name}: {created}");
        let expected =
            json!({"type": name, "identifier": format!("x-{name}"), "__typename": "_ThingCreateMutationPayload"});
        assert_eq!(all.next().await, json!({"data": {"ThingCreateMutation": expected}}));
    }
    for name in names.iter().filter(|name| ["DefinedTerm", "Place"].contains(&name.as_str())) {
        assert_eq!(terms.next().await["data"]["ThingCreateMutation"]["type"], **name);
    }
    terms.nothing().await;
    none.nothing().await;
}

#[tokio::test]
async fn only_creation_is_told_as_creation() {
    let engine = engine(model("schema")).await;
    let all = listen(&engine, "subscription { ThingCreateMutation { identifier } }").await;
    for mutation in [
        r#"MergePerson(identifier: "p") { identifier }"#,
        r#"UpdatePerson(identifier: "p", name: "Clara") { identifier }"#,
        r#"MergePersonKnows(from: {identifier: "p"}, to: {identifier: "p"}) { from { identifier } }"#,
        r#"DeletePerson(identifier: "p") { identifier }"#,
        r#"CreateAnnotationTextualBody(value: "v") { identifier }"#,
        "CreateRating { identifier }",
    ] {
        run(&engine, &format!("mutation {{ {mutation} }}")).await;
    }
    all.nothing().await;
}

#[tokio::test]
async fn media_objects_are_told_by_format() {
    let engine = engine(model("schema")).await;
    let any = listen(&engine, r#"subscription { VideoObjectCreateMutation(encodingFormat: "") { identifier } }"#).await;
    let ogg = start_with(
        &engine,
        "subscription S($format: String) { k: VideoObjectCreateMutation(encodingFormat: $format) { i: identifier } }",
        json!({"format": "video/ogg"}),
    )
    .await
    .ok()
    .unwrap();
    let media = listen(&engine, "subscription { MediaObjectCreateMutation { identifier } }").await;
    for (id, format) in [("a", "video/ogg"), ("b", "video/ogg2"), ("c", "video/ogg")] {
        run(
            &engine,
            &format!(r#"mutation {{ CreateVideoObject(identifier: "{id}", encodingFormat: "{format}") {{ name }} }}"#),
        )
        .await;
        assert_eq!(any.next().await["data"]["VideoObjectCreateMutation"]["identifier"], id);
    }
    assert_eq!(ogg.next().await, json!({"data": {"k": {"i": "a"}}}));
    assert_eq!(ogg.next().await, json!({"data": {"k": {"i": "c"}}}));
    media.nothing().await;
    run(&engine, r#"mutation { CreateMediaObject(identifier: "m") { name } }"#).await;
    assert_eq!(media.next().await["data"]["MediaObjectCreateMutation"]["identifier"], "m");
}

#[tokio::test]
async fn an_updated_action_is_told_with_whatever_its_listener_selects() {
    let engine = engine(model("schema")).await;
    for mutation in [
        r#"CreateControlAction(identifier: "c", name: "convert") { identifier }"#,
        r#"CreateControlAction(identifier: "d") { identifier }"#,
        r#"CreateEntryPoint(identifier: "e", name: "entry") { identifier }"#,
        r#"MergeControlActionTarget(from: {identifier: "c"}, to: {identifier: "e"}) { from { identifier } }"#,
    ] {
        let done = run(&engine, &format!("mutation {{ {mutation} }}")).await;
        assert_eq!(done["errors"], Value::Null, "{done}");
    }
    let selection = "identifier actionStatus target { ... on EntryPoint { name } } endTime { year } ...F";
    let query = format!(
        "subscription S($id: String!) {{ ControlActionMutation(identifier: $id) {{ {selection} }} }} fragment F on ThingInterface {{ name }}"
    );
    let listener = start_with(&engine, &query, json!({"id": "c"})).await.ok().unwrap();
    for mutation in [
        r#"UpdateControlAction(identifier: "d", actionStatus: "x") { name }"#,
        r#"MergeControlAction(identifier: "c", name: "convert") { name }"#,
        r#"UpdateControlAction(identifier: "none") { name }"#,
    ] {
        run(&engine, &format!("mutation {{ {mutation} }}")).await;
    }
    listener.nothing().await;
    run(&engine, r#"mutation { UpdateControlAction(identifier: "c", actionStatus: ActiveActionStatus, endTime: {formatted: "2020-01-02T03:04:05Z"}) { name } }"#).await;
    let told = listener.next().await;
    let expected = json!({"identifier": "c", "actionStatus": "ActiveActionStatus", "target": {"name": "entry"}, "endTime": {"year": 2020}, "name": "convert"});
    assert_eq!(told, json!({"data": {"ControlActionMutation": expected}}));
}

#[tokio::test]
async fn every_change_is_told_by_one_field_and_a_deleted_node_as_it_was() {
    let engine = engine(model("schema")).await;
    let selection = "action type key node { __typename ... on ThingInterface { name } ... on Person { knows { ... on Person { name } } } }";
    let all = listen(&engine, &format!("subscription {{ nodeChanged {{ {selection} }} }}")).await;
    let deleted =
        listen(&engine, "subscription { nodeChanged(types: [ThingInterface], actions: [DELETED]) { key action } }")
            .await;
    let places = listen(&engine, "subscription { nodeChanged(types: [Place]) { key } }").await;
    let one = listen(&engine, r#"subscription { nodeChanged(key: "b") { key __typename } }"#).await;
    for mutation in [
        r#"CreatePerson(identifier: "a", name: "Clara") { identifier }"#,
        r#"MergePerson(identifier: "b", name: "Robert") { identifier }"#,
        r#"AddPersonKnows(from: {identifier: "a"}, to: {identifier: "b"}) { from { identifier } }"#,
        r#"MergePerson(identifier: "a", name: "Clara S.") { identifier }"#,
        r#"UpdatePerson(identifier: "none") { identifier }"#,
        r#"DeletePerson(identifier: "none") { identifier }"#,
        r#"DeletePerson(identifier: "a") { name }"#,
    ] {
        let done = run(&engine, &format!("mutation {{ {mutation} }}")).await;
        assert_eq!(done["errors"], Value::Null, "{done}");
        // Payloads show the node at the time when they are made.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let person = |name: &str, knows: Value| json!({"__typename": "Person", "name": name, "knows": knows});
    let robert = json!([{"name": "Robert"}]);
    for (action, key, node) in [
        ("CREATED", "a", person("Clara", json!([]))),
        ("CREATED", "b", person("Robert", json!([]))),
        ("UPDATED", "a", person("Clara S.", robert.clone())),
        ("DELETED", "a", person("Clara S.", robert)),
    ] {
        let expected = json!({"action": action, "type": "Person", "key": key, "node": node});
        assert_eq!(all.next().await, json!({"data": {"nodeChanged": expected}}));
    }
    assert_eq!(deleted.next().await, json!({"data": {"nodeChanged": {"key": "a", "action": "DELETED"}}}));
    assert_eq!(one.next().await, json!({"data": {"nodeChanged": {"key": "b", "__typename": "_NodeChange"}}}));
    for listener in [all, deleted, places, one] {
        listener.nothing().await;
    }
}

#[tokio::test]
async fn a_payload_is_made_once_for_all_with_the_same_subscription() {
    let engine = engine(model("schema")).await;
    let query = "subscription { nodeChanged(types: [Person]) { node { ... on Person { name } } } }";
    let mut listeners = Vec::new();
    for _ in 0..20 {
        listeners.push(listen(&engine, query).await);
    }
    assert_eq!(engine.subscribers(), 20);
    let before = engine.storage().statements();
    run(&engine, r#"mutation { CreatePerson(name: "Clara") { name } }"#).await;
    for listener in &listeners {
        assert_eq!(listener.next().await["data"]["nodeChanged"]["node"]["name"], "Clara");
    }
    // PostgreSQL answers with the insertion.
    let statements = if is_postgres() { 2 } else { 3 };
    assert_eq!(engine.storage().statements() - before, statements, "insert, its answer, one payload");
    drop(listeners);
    assert_eq!(engine.subscribers(), 0);
}

#[tokio::test]
async fn nothing_is_told_of_what_failed() {
    let engine = engine(model("schema")).await;
    let all = listen(&engine, "subscription { nodeChanged { key } }").await;
    for (mutation, fails) in [
        (r#"CreatePerson(identifier: "a") { name }"#, false),
        (r#"CreatePerson(identifier: "a") { name }"#, true),
        (r#"CreatePerson(identifier: "b", additionalType: "no") { name }"#, true),
        (r#"MergeRating(identifier: "r") { name }"#, true),
    ] {
        let done = run(&engine, &format!("mutation {{ {mutation} }}")).await;
        assert_eq!(done["errors"].is_array(), fails, "{done}");
    }
    assert_eq!(all.next().await["data"]["nodeChanged"]["key"], "a");
    all.nothing().await;
}

#[tokio::test]
async fn who_takes_nothing_is_told_so_and_ended() {
    let engine = engine(model("schema")).await;
    let slow = listen(&engine, "subscription { nodeChanged { key } }").await;
    for _ in 0..70 {
        let fields: String = (0..10).map(|n| format!("a{n}: CreatePerson {{ name }} ")).collect();
        run(&engine, &format!("mutation {{ {fields} }}")).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (tag, delivery) = slow.mailbox.next().await;
    assert_eq!((tag, delivery), (7, Delivery::End(End::TooSlow)));
    let told: Value = serde_json::from_slice(&End::TooSlow.body()).unwrap();
    assert_eq!(told["errors"][0]["extensions"]["code"], "SLOW_CONSUMER");
    assert_eq!(engine.subscribers(), 0);
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_refused_at_once() {
    let engine = engine(model("schema")).await;
    let cases = [
        ("subscription { nodeChanged { key } ThingCreateMutation { type } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nodeChanged(types: [Nobody]) { key } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nodeChanged { nobody } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nodeChanged { node { name } } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { ControlActionMutation { name } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription($a: String!) { ControlActionMutation(identifier: $a) { name } }", "BAD_USER_INPUT"),
        ("subscription { nodeChanged { key ", "GRAPHQL_PARSE_FAILED"),
    ];
    for (query, code) in cases {
        let refused = start(&engine, query).await.err().unwrap_or_else(|| panic!("{query}"));
        assert_eq!(refused["errors"][0]["extensions"]["code"], code, "{query}: {refused}");
        assert_eq!(refused.get("data"), None);
    }
    assert!(start(&engine, "{ __typename }").await.err().unwrap()["errors"].is_null(), "a query is answered");
}

#[tokio::test]
async fn any_schema_has_the_subscription() {
    let engine = engine(model("tests/schemas/library")).await;
    let all = listen(&engine, "subscription { nodeChanged { type node { ... on Book { title } } } }").await;
    run(&engine, r#"mutation { CreateBook(title: "t") { title } }"#).await;
    assert_eq!(all.next().await, json!({"data": {"nodeChanged": {"type": "Book", "node": {"title": "t"}}}}));
}

#[tokio::test]
async fn where_subscriptions_are_not_public_each_needs_its_scopes() {
    let closed = PublicOperations { queries: false, subscriptions: false };
    let engine = engine(model("schema")).await.with_public(closed);
    let refused = |query: &'static str, scopes: &'static [&'static str]| {
        let request = Request { query: query.to_owned(), ..Request::default() };
        let engine = &engine;
        async move {
            match engine.start(request, access(scopes), &Arc::new(Mailbox::default()), 1).await {
                Started::Stream(subscription) => {
                    assert!(subscription.is_allowed(&access(scopes)) && !subscription.is_allowed(&access(&[])));
                    None
                }
                Started::Answer(answer) => Some(body(&answer)["errors"][0]["extensions"]["requiredScopes"].clone()),
            }
        }
    };
    let keys = "subscription { nodeChanged { key } }";
    assert_eq!(refused(keys, &[]).await, Some(json!(["Subscription:nodeChanged:Receive"])));
    assert_eq!(refused(keys, &["Subscription:*:*"]).await, None);
    let names = "subscription { nodeChanged { node { ... on Person { name memberOf { __typename } } } } }";
    let missing = refused(names, &["Subscription:*:*"]).await.unwrap();
    assert_eq!(missing, json!(["Query:Person:Read", "Query:Organization:Read"]), "{missing}");
    assert_eq!(refused(names, &["Subscription:*:*", "Query:*:*"]).await, None);
}
