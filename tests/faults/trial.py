"""What a scenario is given: the binary, a folder, an engine with an empty database, and how strict to be. And what it gives back."""
import asyncio
import dataclasses
import pathlib
import shutil
import time

import check
from cluster import Cluster, aside
from load import History, save
from server import Server
from wire import Http, ask


@dataclasses.dataclass
class Result:
    """One line. Untested is neither passed nor failed, and says why."""

    name: str
    figures: str = ""
    problems: list = dataclasses.field(default_factory=list)
    untested: str = ""

    def __str__(self):
        word = "NOT TESTED" if self.untested else "FAIL" if self.problems else "PASS"
        return f"{word} {self.name}: {self.untested or self.figures}" + "".join(f"\n     {problem}" for problem in self.problems)


class Trial:
    """Of one scenario on one engine. Everything that it started ends with it."""

    def __init__(self, options, name, engine, folder, cluster):
        self.options, self.name, self.engine, self.cluster = options, name, engine, cluster
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.problems, self.started = [], []
        self.full = options.full

    def rounds(self, short, full):
        return self.options.rounds or (full if self.full else short)

    def seconds(self, limit):
        """A bound of time, which `--patience` stretches for a slow build or a busy machine."""
        return limit * self.options.patience

    def expect(self, holds, problem):
        if not holds:
            self.problems.append(problem)
        return holds

    def result(self, figures):
        return Result(f"{self.name} {self.engine}", figures, list(dict.fromkeys(self.problems)))

    def own_cluster(self, name="pg", **named):
        cluster = Cluster(self.folder / name, **named)
        self.started.append(cluster)
        return cluster

    def address(self, port=None):
        """Of a new, empty database; sets what [`Trial.look`] looks at."""
        if self.engine == "sqlite":
            self.database = self.folder / "clef.db"
            return f"sqlite://{self.database}?mode=rwc"
        self.database = self.cluster.database()
        return self.cluster.url(self.database, port)

    def server(self, address=None, **environment):
        server = Server(self.options.binary, self.folder, address or self.address(), **environment)
        self.started.append(server)
        return server

    async def ready(self, **environment):
        """A server that is ready, a history with its control actions prepared, and a token."""
        server = self.server(AUDIT_TABLE="true", **environment)
        await server.start()
        history, token = History(), await server.token()
        await history.prepare(server, token)
        return server, history, token

    async def judge(self, history, server):
        """Everything is read and compared. That server and database are up is part of it."""
        if not self.expect(server.is_up(), f"the server is gone: {server.tail()}"):
            return None
        try:
            verdict = await check.verdict(history, server.port)
        except check.NotRead as error:
            self.problems.append(f"void, the final read failed: {error}")
            return None
        self.problems += verdict.problems
        if verdict.problems:
            save(history, pathlib.Path(self.options.folder) / f"{self.name}-{self.engine}.history")
        return verdict

    async def look(self):
        """Below the server: what the database says of itself."""
        if self.engine == "sqlite":
            self.problems += await aside(check.look_at_file, self.database)
        else:
            self.problems += await aside(check.look_at_cluster, self.cluster, self.database)

    def end(self):
        for it in reversed(self.started):
            it.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def counted(history):
    """Figures of a history."""
    counts = history.counts
    return f"{counts['sent']} requests, {counts['acked']} writes acknowledged, {counts['unknown']} unknown, {counts['failed']} refused"


class Watch:
    """Asks a path every 100 ms and remembers: (when asked, seconds, status)."""

    def __init__(self, port, path, every=0.1):
        self.port, self.path, self.every, self.seen = port, path, every, []

    async def __aenter__(self):
        self.task = asyncio.create_task(self.run())
        return self

    async def run(self):
        while True:
            begin = time.monotonic()
            status, _ = await ask(self.port, self.path)
            self.seen.append((begin, time.monotonic() - begin, status))
            await asyncio.sleep(self.every)

    async def __aexit__(self, *_):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def first(self, status, since):
        """Seconds from then to the first such answer."""
        return next((begin + took - since for begin, took, found in self.seen if begin >= since and found == status), None)

    def slowest(self):
        return max((took for _, took, _ in self.seen), default=0.0)


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


class Reader:
    """Asks for people that were acknowledged before: an answer that lacks one is wrong, an empty list is wrong, an error is none."""

    def __init__(self, history, port):
        self.history, self.http = history, Http(port)
        self.right, self.errors, self.wrong, self.slowest = 0, 0, [], 0.0

    async def run(self, stop, pause=0.0):
        at = 0
        while not stop.is_set():
            wanted = (self.history.stable[-10:] + self.history.stable[at:at + 10]) if self.history.stable else []
            at = (at + 10) % max(1, len(self.history.stable))
            await self.read(set(wanted))
            await asyncio.sleep(pause)
        self.http.close()

    async def read(self, wanted):
        query = "query read($i: [ID!]) { a: Person(filter: {identifier_in: $i}, first: 100) { identifier } b: Person(first: 5) { identifier } }"
        begin = time.monotonic()
        try:
            body = (await self.http.graphql(query, {"i": sorted(wanted)})).json()
        except Exception as error:  # Whatever keeps an answer from coming.
            self.errors += 1
            self.history.codes[f"read: {type(error).__name__}"] += 1
            return
        finally:
            self.slowest = max(self.slowest, time.monotonic() - begin)
        for error in body.get("errors") or []:
            self.history.error(error)
        data, failed = body.get("data") or {}, {error["path"][0] for error in body.get("errors") or [] if error.get("path")}
        self.errors += bool(failed) or not data
        if data.get("a") is not None and "a" not in failed and wanted - {person["identifier"] for person in data["a"]}:
            self.wrong.append("an acknowledged person is not in an answer")
        if data.get("b") is not None and "b" not in failed and wanted and not data["b"]:
            self.wrong.append("an empty list where people are")
        self.right += not failed
