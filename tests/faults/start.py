"""start: processes that start together, and before their database does."""
import asyncio
import time

from cluster import aside
from server import NotStarted
from wire import Http, ask

# On SQLite one file has one server; two meet where one takes over from another.
TOGETHER = {"sqlite": 2, "postgres": 4}


async def start(trial):
    """Four processes at once on an empty database; then, on PostgreSQL, one that is there first."""
    rounds, slowest, failures = trial.rounds(3, 20), 0.0, 0
    for number in range(rounds):
        if trial.engine == "sqlite":
            address = f"sqlite://{trial.folder}/{number}.db?mode=rwc"
        else:
            address = trial.address()
        servers = [trial.server(address) for _ in range(TOGETHER[trial.engine])]
        for outcome in await asyncio.gather(*(server.start() for server in servers), return_exceptions=True):
            if isinstance(outcome, NotStarted):
                failures += 1
                trial.problems.append(f"round {number}: {outcome}")
            elif isinstance(outcome, Exception):
                raise outcome
            else:
                slowest = max(slowest, outcome)
        await trial_write(trial, [server for server in servers if server.is_up()])
        for server in servers:
            server.end()
    figures = f"{rounds} times {TOGETHER[trial.engine]} processes at once on an empty database, {failures} failures, ready within {slowest:.2f} s"
    if trial.engine == "postgres":
        figures += await early(trial)
    return trial.result(figures)


async def trial_write(trial, servers):
    """What one writes, the others read."""
    if not servers:
        return
    token, http = await servers[0].token(), Http(servers[0].port)
    made = (await http.graphql('mutation { CreatePerson(identifier: "p", title: "t") { identifier } }', token=token)).json()
    http.close()
    trial.expect(not made.get("errors"), f"a write after the start: {made}")
    for server in servers:
        http = Http(server.port)
        seen = (await http.graphql("{ Person { identifier } }")).json()
        http.close()
        trial.expect(seen == {"data": {"Person": [{"identifier": "p"}]}}, f"a read after the start: {seen}")


async def early(trial):
    """The server waits for its database, alive and not ready."""
    cluster = await aside(trial.own_cluster)
    await aside(cluster.start)
    address = cluster.url(cluster.database())
    await aside(cluster.stop)
    server = trial.server(address)
    server.spawn()
    await asyncio.sleep(trial.seconds(2))
    if not trial.expect(server.is_up(), f"started before its database, the server ended: {server.tail()}"):
        return ""
    for path, wanted in (("/health", 200), ("/ready", 503)):
        status, body = await ask(server.port, path)
        trial.expect(status == wanted, f"{path} without a database: {status} {body.decode()}")
    await aside(cluster.start)
    begin = time.monotonic()
    try:
        await server.ready(begin + 30)
    except NotStarted as error:
        trial.problems.append(f"started before its database: {error}")
        return ""
    took = time.monotonic() - begin
    trial.expect(took <= trial.seconds(5), f"ready {took:.2f} s after the database")
    return f"; started before PostgreSQL, ready {took:.2f} s after it"
