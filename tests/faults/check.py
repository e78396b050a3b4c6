"""The verdict: everything is read, page by page, and each object has to be in one of the states that its history allows."""
import contextlib
import json
import sqlite3

from load import ACTIONS, MEMBER, MEMBER_OF, ORGANIZATIONS, PEOPLE
from wire import Http, Unanswered, Unsent

PAGE = 1000
QUERIES = {
    PEOPLE: "identifier title description memberOf { identifier }",
    ORGANIZATIONS: "identifier title member { ... on Person { identifier } }",
    ACTIONS: "identifier name target { identifier } wasDerivedFrom { ... on ControlAction { identifier } } object { ... on PropertyValue { name value } ... on PropertyValueSpecification { identifier } }",
}


class NotRead(Exception):
    """Nothing can be said: the server, the database or a page did not answer."""


async def pages(http, ty, selection):
    rows = []
    while True:
        query = f"query page {{ {ty}(first: {PAGE}, offset: {len(rows)}, orderBy: [identifier_asc]) {{ {selection} }} }}"
        try:
            body = (await http.graphql(query)).json()
        except (Unsent, Unanswered, ValueError) as error:
            raise NotRead(f"{ty} from {len(rows)}: {error}") from None
        if body.get("errors") or not isinstance((body.get("data") or {}).get(ty), list):
            raise NotRead(f"{ty} from {len(rows)}: {json.dumps(body)[:300]}")
        page = body["data"][ty]
        rows += page
        if len(page) < PAGE:
            return rows


async def everything(port):
    """Object by object what is there, as [`load.History`] names it. Twice the same object is an object of its own."""
    http = Http(port, 60.0)
    found = {}

    def add(key, state):
        found[key if key not in found else (*key, "again")] = state

    try:
        for person in await pages(http, PEOPLE, QUERIES[PEOPLE]):
            add((PEOPLE, person["identifier"]), (person["title"], person["description"]))
            for other in person["memberOf"]:
                add((MEMBER_OF, person["identifier"], other["identifier"]), 1)
        for organization in await pages(http, ORGANIZATIONS, QUERIES[ORGANIZATIONS]):
            add((ORGANIZATIONS, organization["identifier"]), (organization["title"],))
            for person in organization["member"]:
                add((MEMBER, person.get("identifier"), organization["identifier"]), 1)
        for made in await pages(http, ACTIONS, QUERIES[ACTIONS]):
            if made["identifier"] == "template":
                add((ACTIONS, "template"), ("template", *sorted(it["identifier"] for it in made["object"])))
                continue
            origin = [it.get("identifier") for it in made["wasDerivedFrom"]]
            values = sorted((it.get("name"), it.get("value")) for it in made["object"])
            add((ACTIONS, made["name"]), (*origin, (made["target"] or {}).get("identifier"), *values))
    finally:
        http.close()
    return found


class Verdict:
    """`problems` is empty if all is well."""

    def __init__(self, history, found):
        self.lost, self.refused, self.strangers, self.altered, self.half = [], [], [], [], []
        for key in history.possible.keys() | found.keys():
            states, state = history.possible.get(key), found.get(key)
            if states is None:
                self.strangers.append(key)
            elif state not in states:
                is_refused = key in history.refused and history.refused[key] == state
                kind = self.refused if is_refused else self.lost if state is None else self.altered
                kind.append(key)
        for kind, *ends in found:
            if kind in (MEMBER, MEMBER_OF):
                person, organization = ends[:2]
                whole = {(MEMBER, person, organization), (MEMBER_OF, person, organization), (PEOPLE, person), (ORGANIZATIONS, organization)}
                if not whole <= found.keys():
                    self.half.append((kind, person, organization))
        self.found, self.unindexed = found, set()

    @property
    def problems(self):
        names = {"lost": self.lost, "refused and done": self.refused, "sent by nobody": self.strangers, "not as written": self.altered, "half a relation": self.half, "not as the index has it": sorted(self.unindexed)}
        return [f"{len(keys)} {name}, such as {keys[0]}" for name, keys in names.items() if keys]


async def verdict(history, port):
    found = await everything(port)
    result = Verdict(history, found)
    result.unindexed = await unindexed(port, found)
    return result


async def unindexed(port, found):
    """People who are there and whom the full-text index does not find by their title, or the reverse."""
    markers = {state[0] for key, state in found.items() if key[0] == PEOPLE}
    people, told, http = {key[1] for key in found if key[0] == PEOPLE}, set(), Http(port, 60.0)
    for marker in markers:
        page, offset = [None] * PAGE, 0
        while len(page) == PAGE:
            arguments = f'substring: "{marker}", onFields: [title], onTypes: [Person], first: {PAGE}, offset: {offset}'
            try:
                body = (await http.graphql(f"{{ searchMetadataText({arguments}, orderBy: [identifier_asc]) {{ ... on Person {{ identifier }} }} }}")).json()
            except (Unsent, Unanswered, ValueError) as error:
                raise NotRead(f"the index: {error}") from None
            if body.get("errors"):
                raise NotRead(f"the index: {json.dumps(body)[:300]}")
            page = [node["identifier"] for node in body["data"]["searchMetadataText"]]
            told |= set(page)
            offset += PAGE
    http.close()
    return people ^ told


def told(history, key):
    """An event said that this person was made: from now on it has to be there, unless somebody deletes it, whose answer may be lost in turn."""
    if (PEOPLE, key) in history.doubtful:
        history.possible[PEOPLE, key] -= {None}


def look_at_file(path):
    """What SQLite says of its file, and relations without an end."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
        said = file.execute("pragma integrity_check").fetchall()
        problems = [] if said == [("ok",)] else [f"integrity_check: {said[:3]}"]
        if orphans := file.execute(ORPHANS).fetchone()[0]:
            problems.append(f"{orphans} relations without an end")
        return problems + trail(file.execute(TRAIL).fetchall(), file.execute(PRESENT).fetchall())


def look_at_cluster(cluster, database):
    """The same of PostgreSQL, whose indexes amcheck compares with their tables."""
    problems = []
    if orphans := int(cluster.sql(ORPHANS, database)):
        problems.append(f"{orphans} relations without an end")
    try:
        cluster.sql("create extension if not exists amcheck; " + INDEXES, database)
    except RuntimeError as error:
        problems.append(f"amcheck: {error}")
    rows = [line.split("|") for line in cluster.sql(TRAIL, database).splitlines()]
    return problems + trail(rows, [[line] for line in cluster.sql(PRESENT, database).splitlines()])


def trail(rows, present):
    """The record of a mutation is in its transaction: those who were made and not deleted are those who are there."""
    nodes = {field: {json.loads(nodes)[0] for it, nodes in rows if it == field} for field in ("CreatePerson", "DeletePerson")}
    difference = (nodes["CreatePerson"] - nodes["DeletePerson"]) ^ {key for key, in present}
    return [f"{len(difference)} writes and their records differ, such as {next(iter(difference))}"] if difference else []


ORPHANS = "select count(*) from relation r where not exists (select 1 from node n where n.__id = r.source) or not exists (select 1 from node n where n.__id = r.target)"
TRAIL = "select field, nodes from clef_audit where outcome = 'done' and field in ('CreatePerson', 'DeletePerson')"
PRESENT = "select __key from node where __type = 'Person'"
INDEXES = "select bt_index_check(c.oid, true) from pg_class c join pg_index i on i.indexrelid = c.oid join pg_am a on a.oid = c.relam where a.amname = 'btree' and c.relnamespace = 'public'::regnamespace and i.indisvalid"
