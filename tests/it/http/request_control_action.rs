//! `RequestControlAction` over real HTTP: what a request consists of, and every way in which one is refused whole.

use clef::http::Limits;
use serde_json::{Value as Json, json};

use super::server::{JSON, Server};

/// A program with one template that asks for a node and three values, and what requests may name.
const TEMPLATE: &str = r#"mutation {
    app: CreateSoftwareApplication(identifier: "app", name: "Verovio", title: "Verovio", contributor: "c", creator: "c", subject: "s", source: "s") { identifier }
    ep: CreateEntryPoint(identifier: "ep", name: "entry", title: "Entry") { identifier }
    bare: CreateEntryPoint(identifier: "bare", name: "no application") { identifier }
    ca: CreateControlAction(identifier: "ca", name: "con\"vert'", description: "template", url: "https://example.org/t", language: de, agent: "not copied") { identifier }
    free: CreateControlAction(identifier: "free", name: "nothing required") { identifier }
    p: CreateProperty(identifier: "p", title: "Score", name: "targetFile", description: "pd") { identifier }
    v1: CreatePropertyValueSpecification(identifier: "v1", title: "Result", name: "label", valueName: "resultName", valueRequired: true) { identifier }
    v2: CreatePropertyValueSpecification(identifier: "v2", name: "label", valueName: "quality", valueRequired: true, defaultValue: "high", valuePattern: Int) { identifier }
    v3: CreatePropertyValueSpecification(identifier: "v3", valueName: "optional") { identifier }
    d: CreateDigitalDocument(identifier: "d", title: "doc", contributor: "c", creator: "c", format: "f", source: "s") { identifier }
    a1: AddEntryPointActionApplication(from: {identifier: "ep"}, to: {identifier: "app"}) { from { identifier } }
    a2: AddThingInterfacePotentialAction(from: {identifier: "ep"}, to: {identifier: "ca"}) { from { identifier } }
    a3: AddThingInterfacePotentialAction(from: {identifier: "bare"}, to: {identifier: "ca"}) { from { identifier } }
    a4: AddThingInterfacePotentialAction(from: {identifier: "ep"}, to: {identifier: "free"}) { from { identifier } }
    o1: AddControlActionObject(from: {identifier: "ca"}, to: {identifier: "p"}) { from { identifier } }
    o2: AddControlActionObject(from: {identifier: "ca"}, to: {identifier: "v1"}) { from { identifier } }
    o3: AddControlActionObject(from: {identifier: "ca"}, to: {identifier: "v2"}) { from { identifier } }
    o4: AddControlActionObject(from: {identifier: "ca"}, to: {identifier: "v3"}) { from { identifier } }
    o5: AddControlActionObject(from: {identifier: "free"}, to: {identifier: "v3"}) { from { identifier } }
    o6: AddControlActionObject(from: {identifier: "ca"}, to: {identifier: "p"}) { from { identifier } }
}"#;

struct Caller {
    server: Server,
    token: Vec<u8>,
}

impl Caller {
    async fn new() -> Self {
        let server = Server::start_with(Limits::default()).await;
        let token = server.token("all", &["*"]).await;
        let caller = Self { server, token };
        let made = caller.send(TEMPLATE, &Json::Null).await;
        assert!(made["errors"].is_null(), "{made}");
        caller
    }

    async fn send(&self, query: &str, variables: &Json) -> Json {
        let body = json!({"query": query, "variables": variables}).to_string();
        let headers = [JSON, ("Authorization", self.token.as_slice())];
        self.server.send("POST /", &headers, body.as_bytes()).await.json()
    }

    async fn request(&self, given: &Json, selection: &str) -> Json {
        let query = format!(
            "mutation R($c: RequestControlActionInput) {{ RequestControlAction(controlAction: $c) {{ {selection} }} }}"
        );
        self.send(&query, &json!({"c": given})).await
    }

    /// Nodes and relations that are there.
    async fn count(&self) -> usize {
        let all = self.send("{ ThingInterface { identifier object: __typename ... on ControlAction { object { identifier } wasDerivedFrom { identifier } } } }", &Json::Null).await;
        all.to_string().matches("identifier").count()
    }
}

fn whole() -> Json {
    json!({
        "entryPointIdentifier": "ep",
        "potentialActionIdentifier": "ca",
        "potentialAction": {"title": "Robert'); drop table node;--", "endTime": "2020-02-03T04:05:06.7+01:00", "description": null},
        "propertyObject": [{"potentialActionPropertyIdentifier": "p", "nodeIdentifier": "d", "nodeType": "DigitalDocument"}],
        "propertyValueObject": [{"potentialActionPropertyValueSpecificationIdentifier": "v1", "value": "out \"1\".mei", "valuePattern": "String"}],
    })
}

#[tokio::test]
async fn a_request_is_made_from_its_template_and_answered_as_any_selection() {
    let caller = Caller::new().await;
    let selection =
        "__typename identifier name title description url language agent actionStatus creator created { formatted }
        endTime { year formatted } target { identifier title } wasDerivedFrom { identifier }
        object(orderBy: [name_asc]) { ...P } first: object(first: 1, filter: {name_starts_with: \"r\"}) { name }";
    let query = format!(
        "mutation R($c: RequestControlActionInput) {{ RequestControlAction(identifier: \"ignored\", controlAction: $c) {{ {selection} }} }}
         fragment P on PropertyValue {{ name title description propertyID value valueReference nodeValue {{ __typename identifier }} wasDerivedFrom {{ identifier }} }}"
    );
    let answer = caller.send(&query, &json!({"c": whole()})).await;
    assert!(answer["errors"].is_null(), "{answer}");
    let mut made = answer["data"]["RequestControlAction"].clone();
    let identifier = made["identifier"].take();
    assert!(uuid::Uuid::parse_str(identifier.as_str().unwrap()).is_ok());
    assert_eq!(
        made,
        json!({
            "__typename": "ControlAction", "identifier": null, "name": "con\"vert'", "title": "Robert'); drop table node;--",
            "description": "template", "url": "https://example.org/t", "language": "de", "agent": null,
            "actionStatus": "PotentialActionStatus", "creator": null, "created": {"formatted": null},
            "endTime": {"year": 2020, "formatted": "2020-02-03T04:05:06.7+01:00"},
            "target": {"identifier": "ep", "title": "Entry"}, "wasDerivedFrom": [{"identifier": "ca"}],
            "object": [
                {"name": "quality", "title": null, "description": null, "propertyID": "v2", "value": "high", "valueReference": "Int", "nodeValue": null, "wasDerivedFrom": [{"identifier": "v2"}]},
                {"name": "resultName", "title": "Result", "description": null, "propertyID": "v1", "value": "out \"1\".mei", "valueReference": "String", "nodeValue": null, "wasDerivedFrom": [{"identifier": "v1"}]},
                {"name": "targetFile", "title": "Score", "description": "pd", "propertyID": "p", "value": null, "valueReference": "DigitalDocument", "nodeValue": {"__typename": "DigitalDocument", "identifier": "d"}, "wasDerivedFrom": [{"identifier": "p"}]},
            ],
            "first": [{"name": "resultName"}],
        })
    );
    let found = caller.send(
        r#"{ ControlAction(filter: {actionStatus: PotentialActionStatus, wasDerivedFrom_in: [{identifier: "ca"}]}) { identifier } }"#,
        &Json::Null,
    );
    assert_eq!(found.await, json!({"data": {"ControlAction": [{"identifier": identifier}]}}));
}

#[tokio::test]
async fn a_template_that_requires_nothing_needs_no_lists() {
    let caller = Caller::new().await;
    for lists in
        [json!({}), json!({"propertyObject": null, "propertyValueObject": []}), json!({"propertyValueObject": [null]})]
    {
        let mut given = json!({"entryPointIdentifier": "ep", "potentialActionIdentifier": "free"});
        given.as_object_mut().unwrap().extend(lists.as_object().unwrap().clone());
        let answer = caller.request(&given, "name object { identifier }").await;
        assert_eq!(answer, json!({"data": {"RequestControlAction": {"name": "nothing required", "object": []}}}));
    }
    let given = json!({"entryPointIdentifier": "ep", "potentialActionIdentifier": "free", "propertyValueObject":
        {"potentialActionPropertyValueSpecificationIdentifier": "v3", "value": "", "valuePattern": "Float"}});
    let answer = caller.request(&given, "object { ... on PropertyValue { name value valueReference } }").await;
    assert_eq!(
        answer["data"]["RequestControlAction"]["object"],
        json!([{"name": "optional", "value": "", "valueReference": "Float"}])
    );
}

#[tokio::test]
async fn a_request_that_does_not_fit_is_refused_and_leaves_nothing() {
    let caller = Caller::new().await;
    let before = caller.count().await;
    let node = |property: &str, key: &str, ty: &str| json!({"potentialActionPropertyIdentifier": property, "nodeIdentifier": key, "nodeType": ty});
    let value = |property: &str| json!({"potentialActionPropertyValueSpecificationIdentifier": property, "value": "x", "valuePattern": "String"});
    let unknown = "Template EntryPoint/ControlAction was not found";
    let foreign_node = "Request error: one or more passed propertyObjects do not match potential action properties";
    let foreign_value =
        "Request error: one or more passed propertyValueObjects do not match potential action properties";
    for (changed, to, message) in [
        ("entryPointIdentifier", json!("none"), unknown),
        ("entryPointIdentifier", json!("bare"), unknown),
        ("entryPointIdentifier", json!("x\"}) DETACH DELETE ep //"), unknown),
        ("entryPointIdentifier", json!("app"), unknown),
        ("potentialActionIdentifier", json!("none"), unknown),
        ("potentialActionIdentifier", json!("ep"), unknown),
        ("propertyObject", json!([node("none", "d", "DigitalDocument")]), foreign_node),
        (
            "propertyObject",
            json!([node("p", "d", "DigitalDocument"), node("v1", "d", "DigitalDocument")]),
            foreign_node,
        ),
        ("propertyObject", json!([]), "Required node property is missing from input: p Score"),
        (
            "propertyObject",
            json!([node("p", "none", "DigitalDocument")]),
            "Failed to create ControlAction: there is no DigitalDocument with the identifier \"none\"",
        ),
        (
            "propertyObject",
            json!([node("p", "d", "Person")]),
            "Failed to create ControlAction: there is no Person with the identifier \"d\"",
        ),
        (
            "propertyObject",
            json!([node("p", "d", "CreativeWork")]),
            "Failed to create ControlAction: there is no CreativeWork with the identifier \"d\"",
        ),
        (
            "propertyObject",
            json!([node("p", "d", "DigitalDocument"), node("p", "d", "DigitalDocument")]),
            "Request error: two of the passed propertyObjects are for the property \"p\": keep one",
        ),
        ("propertyValueObject", json!([value("v1"), value("p")]), foreign_value),
        ("propertyValueObject", json!([value("v2")]), "Required value property is missing from input: v1 Result"),
        (
            "propertyValueObject",
            json!([value("v1"), value("v1")]),
            "Request error: two of the passed propertyValueObjects are for the property \"v1\": keep one",
        ),
        ("potentialAction", json!({"endTime": "tomorrow"}), "`endTime`: "),
    ] {
        let mut given = whole();
        given[changed] = to.clone();
        let answer = caller.request(&given, "identifier").await;
        let error = &answer["errors"][0];
        assert!(error["message"].as_str().unwrap_or_default().starts_with(message), "{changed} {to}: {answer}");
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
        assert_eq!(error["path"], json!(["RequestControlAction"]));
        assert_eq!(answer["data"], json!({"RequestControlAction": null}));
    }
    assert_eq!(caller.count().await, before);
    assert!(caller.request(&whole(), "identifier").await["errors"].is_null());
    assert!(caller.count().await > before);
}

#[tokio::test]
async fn a_request_for_nothing_or_of_other_types_is_refused() {
    let caller = Caller::new().await;
    let missing = caller.request(&Json::Null, "identifier").await;
    assert_eq!(
        missing["errors"][0]["message"],
        "`controlAction` is missing: name the entry point and the potential action that are asked for"
    );
    let mistyped =
        caller.request(&json!({"entryPointIdentifier": "ep", "potentialActionIdentifier": 5}), "identifier").await;
    assert_eq!(mistyped["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_request_needs_its_own_scope() {
    let mut caller = Caller::new().await;
    caller.token = caller.server.token("all", &["Mutation:ControlAction:{Create,Update,Delete,Merge}"]).await;
    let answer = caller.request(&whole(), "identifier").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["requiredScopes"], json!(["Mutation:ControlAction:Request"]));
    caller.token = caller.server.token("all", &["Mutation:ControlAction:Request"]).await;
    assert!(caller.request(&whole(), "identifier").await["errors"].is_null());
}

#[tokio::test]
async fn requests_that_share_a_commit_with_refused_ones_are_whole() {
    let caller = Caller::new().await;
    let mut wrong = whole();
    wrong["propertyValueObject"] = json!([]);
    let (right, wrong) = (whole(), wrong);
    let answers = futures_util::future::join_all((0..40).map(|number| {
        let given = if number % 4 == 3 { &wrong } else { &right };
        caller.request(given, "object { identifier }")
    }))
    .await;
    for (number, answer) in answers.iter().enumerate() {
        let objects = answer["data"]["RequestControlAction"]["object"].as_array().map(Vec::len);
        assert_eq!(objects, (number % 4 != 3).then_some(3), "{answer}");
    }
    let made = caller.send("{ PropertyValue { identifier } }", &Json::Null).await;
    assert_eq!(made["data"]["PropertyValue"].as_array().map(Vec::len), Some(90));
}
