"""Writers, and the history of what each object may be afterwards.

An object is named by what it is and its key; its state is a tuple of values, or None if it is not there. A write that was answered makes its
state the only possible one, a refused one changes nothing, and one without an answer leaves both possible: nobody touches that object again.
"""
import asyncio
import collections
import itertools
import json
import os
import re
import time
import uuid

from wire import Http, Unanswered, Unsent

PEOPLE, ORGANIZATIONS, MEMBER_OF, MEMBER, ACTIONS = "Person", "Organization", "memberOf", "member", "ControlAction"
INTERNALS = re.compile(r"sqlx|rusqlite|sqlite|postgres|tokio|hyper|panick|\bselect\b|\binsert\b|\bnode\.|clef_|__\w|/\w+/\w+|\.rs\b|os error|\b0x|SQLSTATE|relation \"", re.I)
TIDY = {"SERVICE_UNAVAILABLE", "TIMEOUT", "OUTCOME_UNKNOWN"}
CREATE = "mutation create($i: ID!, $t: String!, $d: String) { a: CreatePerson(identifier: $i, title: $t, description: $d) { identifier } }"
UPDATE = "mutation update($i: ID!, $d: String) { a: UpdatePerson(identifier: $i, description: $d) { identifier } }"
DELETE = "mutation delete($i: ID!) { a: DeletePerson(identifier: $i) { identifier } }"
PAIR = """mutation pair($i: ID!, $o: ID!, $t: String!, $d: String) {
  a: CreatePerson(identifier: $i, title: $t, description: $d) { identifier }
  b: CreateOrganization(identifier: $o, title: $t) { identifier }
  c: AddPersonMemberOf(from: {identifier: $i}, to: {identifier: $o}) { from { identifier } } }"""
REQUEST = """mutation request($n: String!) { a: RequestControlAction(controlAction: {entryPointIdentifier: "entry",
  potentialActionIdentifier: "template", potentialAction: {name: $n}, propertyValueObject: [
    {potentialActionPropertyValueSpecificationIdentifier: "first", value: $n, valuePattern: String},
    {potentialActionPropertyValueSpecificationIdentifier: "second", value: $n, valuePattern: String}]}) { identifier } }"""
TEMPLATE = """mutation { a: CreateSoftwareApplication(identifier: "application", name: "A") { identifier }
  b: CreateEntryPoint(identifier: "entry", name: "E") { identifier }
  c: CreateControlAction(identifier: "template", name: "template") { identifier }
  d: CreatePropertyValueSpecification(identifier: "first", valueName: "first", valueRequired: true) { identifier }
  e: CreatePropertyValueSpecification(identifier: "second", valueName: "second", valueRequired: true) { identifier }
  f: AddEntryPointActionApplication(from: {identifier: "entry"}, to: {identifier: "application"}) { from { identifier } }
  g: AddThingInterfacePotentialAction(from: {identifier: "entry"}, to: {identifier: "template"}) { from { identifier } }
  h: AddControlActionObject(from: {identifier: "template"}, to: {identifier: "first"}) { from { identifier } }
  i: AddControlActionObject(from: {identifier: "template"}, to: {identifier: "second"}) { from { identifier } } }"""


class History:
    """What was sent and what came of it. `stable`: people that were acknowledged and stay."""

    def __init__(self):
        self.possible, self.refused, self.stable = {}, {}, []
        self.counts, self.codes = collections.Counter(), collections.Counter()
        self.untidy, self.slowest, self.unanswered = [], 0.0, []
        # When writes were acknowledged, and refused.
        self.successes, self.failures = [], []
        # Made or not.
        self.doubtful = set()
        self.kinds = ["create", "create", "pair", "create", "change", "create", "request", "delete"]

    def states(self, key):
        return self.possible.get(key, {None})

    def note(self, outcome, effects):
        self.counts[outcome] += 1
        for key, state in effects:
            if outcome == "acked":
                self.possible[key] = {state}
            elif outcome == "unknown":
                if key not in self.possible:
                    self.doubtful.add(key)
                self.possible[key] = self.states(key) | {state}
            else:
                self.possible.setdefault(key, {None})
                if outcome == "failed":
                    self.refused[key] = state

    def error(self, error, status=200):
        code, message = error.get("extensions", {}).get("code", f"HTTP {status}"), error.get("message", "")
        self.codes[code] += 1
        if code not in TIDY or INTERNALS.search(message):
            self.untidy.append(f"{code}: {message}")

    async def prepare(self, server, token):
        """What control actions are made from, and a first one."""
        http = Http(server.port)
        made = (await http.graphql(TEMPLATE, token=token)).json()
        name = f"{uuid.uuid4()}"
        tried = (await http.graphql(REQUEST, {"n": name}, token, "request")).json()
        http.close()
        if made.get("errors"):
            raise RuntimeError(f"the template was not made: {made['errors'][0]}")
        self.possible[ACTIONS, "template"] = {("template", "first", "second")}
        if tried.get("errors"):
            raise RuntimeError(f"no control action was made: {tried['errors'][0]}")
        self.possible[ACTIONS, name] = {action(name)}


def action(name):
    """A whole one: where it came from, what it is for, and its two values."""
    return ("template", "entry", ("first", name), ("second", name))


def judged(history, answer, roots):
    """Outcome by response key: acked, failed, unknown, or nothing (null without an error: there was nothing to do it to)."""
    try:
        body = answer.json()
    except ValueError:
        history.untidy.append(f"HTTP {answer.status} without JSON")
        return dict.fromkeys(roots, "unknown")
    errors, data = body.get("errors") or [], body.get("data")
    for error in errors:
        history.error(error, answer.status)
    said = {error["path"][0]: error for error in errors if error.get("path")}
    if not isinstance(data, dict):
        # The time for a request ran out: what was begun goes on. All else is refused before anything runs.
        late = not errors or any(error.get("extensions", {}).get("code") == "TIMEOUT" or is_unknown(error) for error in errors)
        return dict.fromkeys(roots, "unknown" if late else "failed")
    outcomes = {}
    for root in roots:
        if root in said:
            outcomes[root] = "unknown" if is_unknown(said[root]) else "failed"
        else:
            outcomes[root] = "acked" if data.get(root) is not None else "nothing"
    return outcomes


def is_unknown(error):
    return error.get("extensions", {}).get("code") == "OUTCOME_UNKNOWN"


class Writer:
    """One client, with objects of its own."""

    def __init__(self, history, http, token, marker, size=0):
        self.history, self.http, self.token, self.marker = history, http, token, marker
        self.size = size
        self.kinds = itertools.cycle(history.kinds)
        self.changing = []

    async def run(self, stop, pause=0.0):
        try:
            while not stop.is_set():
                await self.write(next(self.kinds))
                if pause:
                    await asyncio.sleep(pause)
        finally:
            self.http.close()

    async def write(self, kind):
        key, description = f"{uuid.uuid4()}", f"{uuid.uuid4()}" + os.urandom(self.size // 2).hex()
        person, given = (PEOPLE, key), {"i": key, "t": self.marker, "d": description}
        state = (self.marker, description)
        if kind == "pair":
            other = f"{uuid.uuid4()}"
            ends = [((MEMBER_OF, key, other), 1), ((MEMBER, key, other), 1)]
            effects = {"a": [(person, state)], "b": [((ORGANIZATIONS, other), (self.marker,))], "c": ends}
            await self.send(PAIR, {**given, "o": other}, effects)
        elif kind == "request":
            await self.send(REQUEST, {"n": key}, {"a": [((ACTIONS, key), action(key))]})
        elif kind == "delete" and self.changing:
            key = self.changing.pop(0)
            await self.send(DELETE, {"i": key}, {"a": [((PEOPLE, key), None)]})
        elif kind == "change" and self.changing:
            key = self.changing.pop(0)
            outcome = await self.send(UPDATE, {"i": key, "d": description}, {"a": [((PEOPLE, key), state)]})
            if outcome["a"] in ("acked", "failed"):
                self.changing.append(key)
        else:
            outcome = await self.send(CREATE, given, {"a": [(person, state)]})
            if outcome["a"] == "acked":
                (self.changing if kind != "create" or len(self.changing) < 2 else self.history.stable).append(key)

    async def send(self, document, variables, effects):
        """Sends one request and keeps what came of it."""
        history, begin, name, request = self.history, time.monotonic(), document.split("(")[0].split()[-1], f"{uuid.uuid4()}"
        history.counts["sent"] += 1
        try:
            answer = await self.http.graphql(document, variables, self.token, name, [("X-Request-Id", request)])
            outcomes = judged(history, answer, effects)
            history.slowest = max(history.slowest, time.monotonic() - begin)
        except Unsent:
            outcomes = dict.fromkeys(effects, "failed")
            history.codes["no connection"] += 1
            await asyncio.sleep(0.02)
        except Unanswered as error:
            outcomes = dict.fromkeys(effects, "unknown")
            history.codes["no answer"] += 1
            history.slowest = max(history.slowest, time.monotonic() - begin)
            history.unanswered.append((request, begin, error, [effect for changed in effects.values() for effect in changed]))
        except asyncio.CancelledError:
            for changed in effects.values():
                history.note("unknown", changed)
            raise
        for root, changed in effects.items():
            history.note(outcomes[root], changed)
        if "acked" in outcomes.values():
            history.successes.append(time.monotonic())
        if "failed" in outcomes.values():
            history.failures.append(time.monotonic())
        return outcomes


class Load:
    """Writers that run until they are told to stop: `async with Load(…):`. `port`: a number, or what makes the connection of a writer."""

    def __init__(self, history, port, token, writers=16, marker=None, size=0, pause=0.0):
        self.stop, self.pause = asyncio.Event(), pause
        marker = marker or f"m{uuid.uuid4().hex[:10]}"
        connect = port if callable(port) else lambda: Http(port)
        self.writers = [Writer(history, connect(), token, marker, size) for _ in range(writers)]

    async def __aenter__(self):
        self.tasks = [asyncio.create_task(writer.run(self.stop, self.pause)) for writer in self.writers]
        return self

    async def __aexit__(self, *_):
        self.stop.set()
        await asyncio.gather(*self.tasks)


def save(history, file):
    """For whoever looks into a failure."""
    with open(file, "w") as out:
        for key, states in history.possible.items():
            out.write(json.dumps([key, sorted(map(repr, states))]) + "\n")
