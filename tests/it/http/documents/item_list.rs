//! Lists, whose documents have their elements in them.

use serde_json::json;

use super::World;

async fn list() -> World {
    let world = World::new("schema").await;
    world
        .run(
            r#"mutation {
              l: CreateItemList(identifier: "l", name: "List", itemListOrder: ItemListOrderAscending) { name }
              p: CreatePerson(identifier: "p", name: "Clara") { name }
              b: CreateListItem(identifier: "b", name: "second", position: 2) { name }
              a: CreateListItem(identifier: "a", name: "first", position: 1, itemUrl: ["https://example.org/x"]) { name }
              x: AddItemListItemListElement(from: {identifier: "l"}, to: {identifier: "p"}) { from { __typename } }
              y: AddItemListItemListElement(from: {identifier: "l"}, to: {identifier: "b"}) { from { __typename } }
              z: AddItemListItemListElement(from: {identifier: "l"}, to: {identifier: "a"}) { from { __typename } }
              i: AddListItemItem(from: {identifier: "b"}, to: {identifier: "p"}) { from { __typename } } }"#,
        )
        .await;
    world
}

#[tokio::test]
async fn elements_stand_in_json_in_the_order_of_their_position() {
    let document = list().await.json("l").await;
    let element = |ty: &str, key: &str, name: &str| json!({"FRAGMENT_TYPE": ty, "identifier": key, "name": name, "description": null, "image": null, "url": null});
    let mut first = element("ListItem", "a", "first");
    first["itemUrl"] = json!(["https://example.org/x"]);
    first["position"] = json!(1);
    first["item"] = json!([]);
    let mut second = element("ListItem", "b", "second");
    second["itemUrl"] = json!(null);
    second["position"] = json!(2);
    second["item"] = json!([{"FRAGMENT_TYPE": "Person", "identifier": "p"}]);
    assert_eq!(document["itemListElement"], json!([first, second, element("Person", "p", "Clara")]));
    let created = document["created"]["formatted"].as_str().unwrap();
    assert!(created.ends_with('Z'), "{created}");
    assert_eq!(document["itemListOrder"], "ItemListOrderAscending");
}

#[tokio::test]
async fn elements_with_a_position_stand_in_json_ld_and_others_are_linked() {
    let document = list().await.json_ld("l").await;
    let item = |key: &str, name: &str, position: u32, item: &str| {
        json!({
            "@id": format!("http://test/{key}"), "@type": ["https://schema.org/ListItem"],
            "dc:identifier": format!("http://test/{key}"), "identifier": format!("http://test/{key}"),
            "name": name, "position": position, "item": {"@id": item}
        })
    };
    let mut first = item("a", "first", 1, "https://example.org/x");
    first["item"] = json!([{"@id": "https://example.org/x"}]);
    let expected = json!([first, item("b", "second", 2, "http://test/p"), {"@id": "http://test/p"}]);
    assert_eq!(document["itemListElement"], expected);
    assert_eq!(document["ldp:contains"], expected);
    let types = [
        "https://schema.org/ItemList",
        "http://www.w3.org/ns/ldp#Container",
        "http://www.w3.org/ns/ldp#BasicContainer",
    ];
    assert_eq!(document["@type"], json!(types));
    assert!(document["dc:created"].as_str().unwrap().ends_with('Z'), "a text, as everywhere");
}
