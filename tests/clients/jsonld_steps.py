#!/usr/bin/env python3
"""Documents of every type in a JSON-LD processor (PyLD), without a network: jsonld_steps.py HOST ID KEY

Creates a node of each type with a value in every property, some of them hostile, and reads its document as JSON-LD. The context of
schema.org is schema-org-context.json: its beginning, and those of its terms whose values are more than texts.
Prints a PASS or FAIL line for each step.
"""
import json
import pathlib
import sys
import uuid

import requests
from pyld import jsonld

HOST, ID, KEY = sys.argv[1:4]
CONTEXT = json.loads((pathlib.Path(__file__).resolve().parent / "schema-org-context.json").read_text())
SCHEMA, DC, XSD = "http://schema.org/", "http://purl.org/dc/terms/", "http://www.w3.org/2001/XMLSchema#"
HOSTILE = 'a "text" with @id, </script>, \u2028, \u00e9 and {"@value": {}}'
failed = 0


def load(url, options):
    assert url == "https://schema.org", f"the context of {url} is not here"
    return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": CONTEXT}


jsonld.set_document_loader(load)
token = requests.post(f"{HOST}/jwt", json={"id": ID, "apiKey": KEY, "scopes": ["*"]}, timeout=10).json()["jwt"]


def ask(query):
    answer = requests.post(f"{HOST}/graphql", json={"query": query}, headers={"Authorization": f"Bearer {token}"}, timeout=60).json()
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


def step(name, run):
    global failed
    try:
        run()
        print(f"PASS {name}")
    except Exception as error:  # noqa: BLE001 - a step that fails is a line
        failed += 1
        print(f"FAIL {name}: {type(error).__name__} {str(error)[:300]}")


INTROSPECTION = """{ __schema {
  mutationType { fields { name args { name type { kind name ofType { kind name ofType { kind name ofType { name } } } } } } }
  types { kind name enumValues { name } } } }"""
schema = ask(INTROSPECTION)["__schema"]
ENUMS = {it["name"]: it["enumValues"][0]["name"] for it in schema["types"] if it["kind"] == "ENUM"}
CREATES = {it["name"][6:]: it["args"] for it in schema["mutationType"]["fields"] if it["name"].startswith("Create")}


def named(ty):
    while ty["name"] is None:
        ty = ty["ofType"]
    return ty["name"]


def literal(argument):
    ty = named(argument["type"])
    if ty in ENUMS:
        return ENUMS[ty]
    if argument["name"] in ("additionalType", "mediumOfPerformance") or "url" in argument["name"].lower():
        return '"https://example.org/a"'
    return {
        "Int": "3", "Float": "1.25", "Boolean": "true", "_Neo4jDateInput": '{formatted: "1819-09-13"}',
        "_Neo4jDateTimeInput": '{formatted: "2021-06-22T13:47:10.69[Europe/Amsterdam]"}',
        "Duration": '{at_id: ["x"], value: {}}', "Value": '[{a: 1}, []]',
    }.get(ty, json.dumps(HOSTILE))


def create(ty, key):
    arguments = ", ".join(f"{it['name']}: {json.dumps(key) if it['name'] == 'identifier' else literal(it)}" for it in CREATES[ty])
    try:
        ask(f"mutation {{ Create{ty}({arguments}) {{ __typename }} }}")
    except AssertionError:
        # Some text has to be a web address, which the schema does not say.
        ask(f"mutation {{ Create{ty}({arguments.replace(json.dumps(HOSTILE), json.dumps('https://example.org/b'))}) {{ __typename }} }}")


def document(key):
    response = requests.get(f"{HOST}/{key}", headers={"Accept": "application/ld+json"}, timeout=10)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/ld+json"), response.text
    return response.json()


def expanded(key):
    nodes = jsonld.expand(document(key), {"processingMode": "json-ld-1.1"})
    assert len(nodes) == 1, nodes
    return nodes[0]


def check(ty):
    key = str(uuid.uuid4())
    create(ty, key)
    plain, node = document(key), expanded(key)
    assert node["@id"] == f"{HOST}/{key}", node["@id"]
    assert node["@type"], "no type"
    assert all(it.startswith("http") for it in node["@type"]), node["@type"]
    keys = [it for it in plain if not it.startswith("@")]
    assert len(node) == len(keys) + 2, f"{len(keys)} members became {len(node) - 2} properties"
    modified = node[f"{DC}modified"][0]
    assert modified["@type"] == f"{XSD}dateTime" and modified["@value"].endswith("Z"), modified
    if f"{DC}date" in node:
        assert node[f"{DC}date"] == [{"@type": f"{XSD}date", "@value": "1819-09-13"}], node[f"{DC}date"]
    quads = jsonld.to_rdf(document(key), {"format": "application/n-quads", "processingMode": "json-ld-1.1"})
    assert f"<{HOST}/{key}>" in quads, quads


assert len(CREATES) == 42, len(CREATES)
for name in sorted(CREATES):
    step(f"JSON-LD: {name} expands, and no member is lost", lambda name=name: check(name))


def person():
    key = str(uuid.uuid4())
    ask(f'mutation {{ CreatePerson(identifier: "{key}", birthDate: {{formatted: "1819-09-13"}}) {{ __typename }} }}')
    assert expanded(key)[f"{SCHEMA}birthDate"] == [{"@type": f"{SCHEMA}Date", "@value": "1819-09-13"}]


def terms():
    keys = [str(uuid.uuid4()) for _ in range(2)]
    required = 'contributor: "a", creator: "a", format: "a", source: "a", subject: "a", title: "a"'
    ask(f'''mutation {{ CreateDefinedTermSet(identifier: "{keys[0]}", {required}) {{ __typename }}
        CreateDefinedTerm(identifier: "{keys[1]}", termCode: "T", {required}) {{ __typename }}
        AddDefinedTermSetHasDefinedTerm(from: {{identifier: "{keys[0]}"}}, to: {{identifier: "{keys[1]}"}}) {{ from {{ __typename }} }} }}''')
    assert expanded(keys[0])[f"{SCHEMA}hasDefinedTerm"] == [{"@id": f"{HOST}/{keys[1]}"}]
    term = expanded(keys[1])
    assert term[f"{SCHEMA}termCode"] == [{"@value": "T"}] and term["@type"] == ["https://schema.org/DefinedTerm"], term
    assert term[f"{SCHEMA}inDefinedTermSet"] == [{"@id": f"{HOST}/{keys[0]}"}], term


def items():
    keys = [str(uuid.uuid4()) for _ in range(2)]
    ask(f'''mutation {{ CreateItemList(identifier: "{keys[0]}") {{ __typename }} CreateListItem(identifier: "{keys[1]}", position: 1) {{ __typename }}
        AddItemListItemListElement(from: {{identifier: "{keys[0]}"}}, to: {{identifier: "{keys[1]}"}}) {{ from {{ __typename }} }} }}''')
    node = expanded(keys[0])
    for name in (f"{SCHEMA}itemListElement", "http://www.w3.org/ns/ldp#contains"):
        element = node[name][0]
        assert element["@id"] == f"{HOST}/{keys[1]}" and element[f"{SCHEMA}position"] == [{"@value": 1}], element


step("JSON-LD: a date of schema.org has its data type", person)
step("JSON-LD: a vocabulary and its terms lead to each other", terms)
step("JSON-LD: a list holds its items", items)
sys.exit(1 if failed else 0)
