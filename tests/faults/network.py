"""network: what stands between the server and PostgreSQL delays, swallows, cuts, and loses answers."""
import asyncio
import time

from cluster import aside
from load import CREATE, PEOPLE, History, Load
from proxy import Network
from trial import Reader, counted
from wire import Http

# PostgreSQL is told to look whether the other end is there: half-open sessions do not stay.
SESSIONS = "select count(*) from pg_stat_activity where datname = '{}' and pid <> pg_backend_pid()"


async def network(trial):
    between = await Network(trial.cluster.port).start()
    trial.started.append(between)
    server = trial.server(trial.address(between.port), AUDIT_TABLE="true")
    await server.start()
    history, token = History(), await server.token()
    await history.prepare(server, token)
    process, hole = server.process.pid, 30 if trial.full else 8
    steps = [("delay", 3.0, 0.2), ("blackhole", hole, 0), ("reset", 0.5, 0), ("refuse", 3.0, 0), ("deaf", 3.0, 0)] * trial.rounds(1, 2)
    stop, readers, back = asyncio.Event(), [Reader(history, server.port) for _ in range(4)], []
    async with Load(history, server.port, token, pause=0.01):
        reading = [asyncio.create_task(reader.run(stop, 0.02)) for reader in readers]
        await asyncio.sleep(1.0)
        for mode, seconds, delay in steps:
            slow_before = history.slowest
            between.set(mode, delay)
            await asyncio.sleep(seconds)
            if mode == "deaf":
                # Answers are lost, and then so are the connections.
                between.set("reset")
                await asyncio.sleep(0.2)
            between.set("pass")
            passes = time.monotonic()
            while not any(at > passes for at in history.successes[-100:]) and time.monotonic() < passes + 20:
                await asyncio.sleep(0.02)
            took = next((at - passes for at in history.successes if at > passes), None)
            trial.expect(took is not None and took <= trial.seconds(5), f"after {mode}: first write {took} s after all passes")
            back.append(took or 0.0)
            await asyncio.sleep(2.0)
            trial.expect(history.slowest <= max(slow_before, trial.seconds(5)), f"{mode}: a request took {history.slowest:.2f} s")
            idle = await aside(trial.cluster.sql, SESSIONS.format(trial.database) + " and state like 'idle in transaction%' and state_change < now() - interval '1 second'")
            trial.expect(idle == "0", f"{mode}: {idle} sessions idle in a transaction")
        stop.set()
        await asyncio.gather(*reading)
    for reader in readers:
        trial.problems += reader.wrong
    slowest = max(history.slowest, *(reader.slowest for reader in readers))
    trial.expect(slowest <= trial.seconds(5), f"a request took {slowest:.2f} s")
    trial.expect(server.is_up() and server.process.pid == process, "the server was restarted")
    trial.expect(not history.untidy, f"answers that tell too much: {history.untidy[:2]}")
    await server.ready(time.monotonic() + 20)
    await trial.judge(history, server)
    again = await once_more(history, server, token, trial)
    await trial.judge(history, server)
    await trial.look()
    sessions = int(await aside(trial.cluster.sql, SESSIONS.format(trial.database)))
    trial.expect(sessions <= 24, f"{sessions} sessions are left on PostgreSQL")
    right, errors = sum(reader.right for reader in readers), sum(reader.errors for reader in readers)
    return trial.result(
        f"{len(steps)} faults (delay, {hole} s of nothing, reset, refusal, lost answers), {counted(history)}; {again} unknown ones sent again, none there twice;"
        f" {right} right answers, {errors} errors; slowest request {slowest:.2f} s, back {max(back):.2f} s after, {sessions} sessions left")


async def once_more(history, server, token, trial):
    """A create whose outcome is unknown, sent again with the same identifier: it is made now, or a conflict says that it was."""
    http, sent = Http(server.port), 0
    for kind, key in [key for key in history.doubtful if key[0] == PEOPLE]:
        title, description = next(state for state in history.possible[kind, key] if state)
        body = (await http.graphql(CREATE, {"i": key, "t": title, "d": description}, token, "create")).json()
        code = next((error["extensions"]["code"] for error in body.get("errors") or []), None)
        trial.expect(code in (None, "CONFLICT"), f"sent again: {body}")
        history.possible[kind, key] = {(title, description)}
        sent += 1
    http.close()
    return sent
