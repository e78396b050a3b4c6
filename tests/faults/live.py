"""events: what happens on one replica is told on all, once, and soon. Also when the connection that brings it is cut."""
import asyncio
import collections
import time
import uuid

from cluster import aside
from trial import quantile
from wire import Http, Socket, Unanswered, Unsent

# The sessions that read the outbox or listen; writers insert into it, and are left alone.
LISTENERS = """select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = '{}' and pid <> pg_backend_pid()
  and (query ilike '%listen%' or query ilike '%clef_event%') and query not ilike '%insert into clef_event%' and query not ilike '%commit%'"""


class Subscriber:
    """Notes when each key was told."""

    def __init__(self, name, port):
        self.name, self.port, self.told = name, port, collections.defaultdict(list)

    async def run(self, started):
        socket = await Socket().open(self.port)
        socket.subscribe("1", "subscription { nodeChanged(types: [Person], actions: [CREATED]) { key } }")
        # A query on the same connection: what comes before it is under way when it is answered.
        socket.send({"id": "2", "type": "subscribe", "payload": {"query": "{ __typename }"}})
        while (message := await socket.receive())["type"] != "closed":
            if message.get("id") == "2":
                started.set()
            elif message["type"] == "next":
                self.told[message["payload"]["data"]["nodeChanged"]["key"]].append(time.monotonic())
            else:
                raise RuntimeError(f"{self.name}: {message}")


async def events(trial):
    first = trial.server(AUDIT_TABLE="true")
    servers = [first]
    await first.start()
    if trial.engine == "postgres":
        servers.append(trial.server(trial.cluster.url(trial.database), AUDIT_TABLE="true"))
        await servers[1].start()
    figures = [await told(trial, servers, "", lambda: None)]
    if trial.engine == "postgres":
        def cut():
            return int(trial.cluster.sql(LISTENERS.format(trial.database)))
        figures.append(await told(trial, servers, "listeners cut: ", cut))
    return trial.result("; ".join(figures))


async def told(trial, servers, name, disturb):
    """1,000 creates on the first server, and who was told of them."""
    subscribers = [Subscriber(f"{name}replica {number}", server.port) for number, server in enumerate(servers) for _ in range(2)]
    started = [asyncio.Event() for _ in subscribers]
    listening = [asyncio.create_task(it.run(event)) for it, event in zip(subscribers, started)]
    await asyncio.wait_for(asyncio.gather(*(event.wait() for event in started)), 10)
    await asyncio.sleep(0.3)
    count, token, acked, cuts = 1000, await servers[0].token(), {}, 0
    keys = iter([f"{uuid.uuid4()}" for _ in range(count)])

    async def writer():
        http = Http(servers[0].port)
        for key in keys:
            try:
                body = (await http.graphql("mutation create($i: ID!) { CreatePerson(identifier: $i) { identifier } }", {"i": key}, token)).json()
                if body.get("errors"):
                    trial.expect(False, f"{name}a create failed: {body['errors'][0]}")
                else:
                    acked[key] = time.monotonic()
            except (Unsent, Unanswered) as error:
                trial.expect(False, f"{name}a create failed: {error}")
            await asyncio.sleep(0.01)
        http.close()

    async def disturber():
        nonlocal cuts
        while True:
            await asyncio.sleep(0.7)
            cuts += await aside(disturb) or 0

    disturbing = asyncio.create_task(disturber())
    await asyncio.gather(*(writer() for _ in range(8)))
    disturbing.cancel()
    await asyncio.gather(disturbing, return_exceptions=True)
    until = time.monotonic() + 10
    while any(acked.keys() - it.told.keys() for it in subscribers) and time.monotonic() < until and not any(task.done() for task in listening):
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    for it, task in zip(subscribers, listening):
        if task.done():
            trial.problems.append(f"{it.name}: {task.exception() or 'the connection ended'}")
        task.cancel()
    if name:
        trial.expect(cuts > 0, "void: no connection listens")
    missing = {it.name: len(acked.keys() - it.told.keys()) for it in subscribers}
    doubled = sum(len(times) > 1 for it in subscribers for times in it.told.values())
    delays = [max(0.0, it.told[key][0] - at) for it in subscribers for key, at in acked.items() if key in it.told]
    late = quantile(delays, 0.99)
    trial.expect(not any(missing.values()), f"{name}missing {missing}")
    trial.expect(doubled == 0, f"{name}{doubled} events were told twice")
    if not name:
        trial.expect(late <= trial.seconds(0.25), f"p99 {late * 1000:.0f} ms")
    return f"{name}{len(acked)} creates, {len(subscribers)} subscribers, {sum(missing.values())} missing, {doubled} doubled, p99 {late * 1000:.1f} ms" + (f", {cuts} cuts" if name else "")
