"""drain, rolling: a server that is told to stop finishes what it took."""
import asyncio
import collections
import json
import random
import time

from load import Load
from trial import counted
from wire import Http, Socket, Unanswered, Unsent, ask


async def drain(trial):
    """SIGTERM under load. What the server took is answered.

    Taken is a request of which the log has a line, or whose write is in the database, or whose answer began. One that was sent on an open
    connection while the server closed it is not: HTTP/1.1 (RFC 9112, 9.5) lets a server close a connection that is idle as far as it knows, and a
    client cannot send on it unless it may repeat. Those are counted by themselves; of them none may have been sent before the signal.
    """
    server, history, token = await trial.ready(RUST_LOG="info")
    rounds, slowest, dropped, crossed = trial.rounds(3, 30), 0.0, 0, 0
    sockets = collections.Counter()
    for number in range(rounds):
        log_begin = server.log.stat().st_size
        socket = asyncio.create_task(subscriber(server.port))
        async with Load(history, server.port, token, writers=16) as load:
            await asyncio.sleep(random.uniform(0.3, 1.2))
            upload = asyncio.create_task(half_sent(server.port, token))
            await asyncio.sleep(0.2)
            before, signalled = len(history.unanswered), time.monotonic()
            code, took = await server.terminate()
            load.stop.set()
        slowest = max(slowest, took)
        trial.expect(code == 0, f"exit code {code} after {took:.1f} s: {server.tail()}")
        answer = await upload
        trial.expect(answer == 200, f"a body under way at the signal: {answer}")
        sockets[await socket] += 1
        if trial.engine == "sqlite":
            trial.expect(not trial.database.with_name("clef.db-wal").exists(), "the log of SQLite was left behind")
        await server.start()
        verdict = await trial.judge(history, server)
        if verdict is None:
            break
        taken = taken_and_dropped(server, history.unanswered[before:], log_begin, verdict.found)
        dropped += len(taken)
        early = [entry for entry in history.unanswered[before:] if entry[1] < signalled and entry not in taken]
        crossed += len(history.unanswered) - before - len(taken)
        trial.expect(not early, f"round {number}: {len(early)} requests sent before the signal have no answer, {signalled - early[0][1]:.4f} s before" if early else "")
    trial.expect(dropped == 0, f"{dropped} requests were taken and not answered")
    trial.expect(slowest <= trial.seconds(30), f"the end took {slowest:.1f} s")
    trial.expect(set(sockets) == {"complete, 1001"}, f"subscribers were told: {dict(sockets)}")
    trial.expect(not history.untidy, f"answers that tell too much: {history.untidy[:2]}")
    return trial.result(f"{rounds} times SIGTERM, {counted(history)}; {dropped} taken and dropped, {crossed} crossed with the close of their connection, exit 0 within {slowest:.2f} s")


def taken_and_dropped(server, unanswered, log_begin, found):
    """Those that left a trace: a part of an answer, a line in the log, or what they were to write (its values are nobody else's)."""
    with open(server.log, "rb") as log:
        log.seek(log_begin)
        lines = log.read().decode(errors="replace")
    return [
        entry for entry in unanswered
        if entry[2].began or entry[0] in lines or any(found.get(key) == state for key, state in entry[3])
    ]


async def half_sent(port, token):
    """Half of a body before the signal, the rest after it."""
    body = json.dumps({"query": "{ Person(first: 1) { identifier } }"}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:10])
    await asyncio.sleep(0.5)
    writer.write(body[10:])
    try:
        return int((await reader.readline()).split()[1])
    except (OSError, EOFError, IndexError):
        return "no answer"
    finally:
        writer.transport.abort()


async def subscriber(port):
    """How a subscription ends."""
    try:
        socket = await Socket().open(port)
        socket.subscribe("1", "subscription { nodeChanged(types: [Place]) { key } }")
        kinds = []
        while (message := await socket.receive())["type"] != "closed":
            kinds.append(message["type"])
        return ", ".join([*kinds, str(message["code"])])
    except (OSError, EOFError) as error:
        return type(error).__name__


class Balancer:
    """Hands requests to the replicas in turn that were ready when last asked, every 100 ms. Only where no connection is had it asks another."""

    def __init__(self, servers):
        self.servers, self.ready, self.turn = servers, set(servers), 0

    async def watch(self):
        while True:
            for server in self.servers:
                if (await ask(server.port, "/ready", 1.0))[0] == 200:
                    self.ready.add(server)
                else:
                    self.ready.discard(server)
            await asyncio.sleep(0.1)

    def connection(self):
        return Balanced(self)


class Balanced:
    def __init__(self, balancer):
        self.balancer, self.kept = balancer, {server: Http(server.port) for server in balancer.servers}

    async def graphql(self, *arguments):
        for _ in range(200):
            self.balancer.turn += 1
            ready = [server for server in self.balancer.servers if server in self.balancer.ready]
            if ready:
                try:
                    return await self.kept[ready[self.balancer.turn % len(ready)]].graphql(*arguments)
                except Unsent:
                    pass
            await asyncio.sleep(0.05)
        raise Unanswered("no replica")

    def close(self):
        for http in self.kept.values():
            http.close()


async def rolling(trial):
    """Two replicas, each restarted in turn under load: no request fails."""
    first, history, token = await trial.ready(SHUTDOWN_DELAY="1s")
    second = trial.server(trial.cluster.url(trial.database), AUDIT_TABLE="true", SHUTDOWN_DELAY="1s")
    await second.start()
    balancer = Balancer([first, second])
    watch = asyncio.create_task(balancer.watch())
    rounds, codes = trial.rounds(1, 5), []
    async with Load(history, balancer.connection, token, pause=0.005):
        for _ in range(rounds):
            for server in balancer.servers:
                await asyncio.sleep(1.0)
                codes.append((await server.terminate())[0])
                await server.start()
        await asyncio.sleep(1.0)
    watch.cancel()
    failed = history.counts["unknown"] + history.counts["failed"]
    trial.expect(codes == [0] * len(codes), f"exit codes {codes}")
    trial.expect(failed == 0, f"{failed} writes failed: {dict(history.codes)} {history.unanswered[:1]}")
    for server in balancer.servers:
        await trial.judge(history, server)
    await trial.look()
    return trial.result(f"{2 * rounds} restarts of two replicas in turn, {counted(history)}; {failed} failed")
