"""pg-restart, pool: PostgreSQL goes and comes, or is there and busy. Every answer is right or says that it is none, and soon."""
import asyncio
import json
import re
import sqlite3
import subprocess
import time

from cluster import aside
from load import Load
from trial import Reader, Watch, counted, quantile
from wire import Http, Unanswered, Unsent


async def pg_restart(trial):
    """Restarts of both kinds and an absence, under writers and readers."""
    server, history, token = await trial.ready()
    process, absence = server.process.pid, 60 if trial.full else 6
    steps = [("fast", 0), ("immediate", 0)] * trial.rounds(1, 5) + [("fast", absence)]
    stop, readers = asyncio.Event(), [Reader(history, server.port) for _ in range(4)]
    figures, unready, ready = [], [], []
    async with Load(history, server.port, token, pause=0.01), Watch(server.port, "/health") as health, Watch(server.port, "/ready") as readiness:
        reading = [asyncio.create_task(reader.run(stop, 0.01)) for reader in readers]
        await asyncio.sleep(2.0)
        for mode, seconds in steps:
            await aside(trial.cluster.stop, mode)
            gone = time.monotonic()
            await asyncio.sleep(seconds)
            if seconds:
                took = readiness.first(503, gone)
                trial.expect(took is not None and took <= trial.seconds(2), f"/ready says no {took} s after PostgreSQL was gone")
                unready.append(took or 0.0)
            await aside(trial.cluster.start)
            back = time.monotonic()
            while readiness.first(200, back) is None and time.monotonic() < back + 20:
                await asyncio.sleep(0.05)
            took = readiness.first(200, back)
            trial.expect(took is not None and took <= trial.seconds(5), f"/ready says yes {took} s after PostgreSQL was back")
            ready.append(took or 0.0)
            await asyncio.sleep(1.0)
            trial.expect(any(at > back for at in history.successes), f"no write after PostgreSQL was back: {server.tail()}")
        stop.set()
        await asyncio.gather(*reading)
    for reader in readers:
        trial.problems += reader.wrong
    slowest = max(history.slowest, *(reader.slowest for reader in readers))
    trial.expect(slowest <= trial.seconds(5), f"a request took {slowest:.2f} s")
    trial.expect(all(status == 200 for _, _, status in health.seen), f"/health: {sorted({status for _, _, status in health.seen})}")
    trial.expect(not history.untidy, f"answers that tell too much: {history.untidy[:2]}")
    trial.expect(server.is_up() and server.process.pid == process, "the server was restarted")
    await trial.judge(history, server)
    await trial.look()
    right, errors = sum(reader.right for reader in readers), sum(reader.errors for reader in readers)
    figures.append(f"{len(steps)} outages, the longest of {absence} s, {counted(history)}; {right} right answers, {errors} errors, {sum(len(reader.wrong) for reader in readers)} wrong answers")
    figures.append(f"slowest request {slowest:.2f} s, /ready no {max(unready):.2f} s after, yes {max(ready):.2f} s after, /health {health.slowest() * 1000:.0f} ms at most")
    return trial.result("; ".join(figures))


async def pool(trial):
    """More clients than connections while a lock is held: who waits too long is told to come back, and the process is alive."""
    # One after the other: who waits for a connection may have to wait for the lock as well.
    server, history, token = await trial.ready(DATABASE_ACQUIRE_TIMEOUT="2s", STATEMENT_TIMEOUT="2s")
    clients, answers, stop = 200, [], asyncio.Event()

    async def client(number):
        http = Http(server.port)
        while not stop.is_set():
            begin = time.monotonic()
            try:
                if trial.engine == "sqlite":
                    answer = await http.graphql('mutation { CreatePlace(name: "a") { identifier } }', token=token)
                else:
                    answer = await http.graphql("{ Person(first: 1) { identifier } }")
            except (Unsent, Unanswered) as error:
                answers.append((begin, time.monotonic() - begin, str(error), None, False))
                continue
            body = json.loads(answer.body)
            for error in body.get("errors") or []:
                history.error(error, answer.status)
            code = next((error["extensions"]["code"] for error in body.get("errors") or []), "OK")
            answers.append((begin, time.monotonic() - begin, code, answer.status, "retry-after" in answer.headers))
            await asyncio.sleep(0.05)
        http.close()

    seconds = 20 if trial.full else 7
    async with Watch(server.port, "/health", 0.05) as health:
        tasks = [asyncio.create_task(client(number)) for number in range(clients)]
        await asyncio.sleep(2.0)
        idle = quantile([took for _, took, _, _, _ in answers], 0.99)
        async with Locked(trial):
            begin = time.monotonic()
            await asyncio.sleep(seconds)
        release = time.monotonic()
        await asyncio.sleep(4.0)
        stop.set()
        await asyncio.gather(*tasks)
    held = [answer for answer in answers if answer[0] < release and answer[0] + answer[1] > begin]
    refused = [answer for answer in held if answer[2] != "OK"]
    after = [answer for answer in answers if answer[0] > release + 1.0]
    slowest, codes = max(took for _, took, *_ in answers), sorted({code for _, _, code, *_ in refused})
    trial.expect(len(refused) > 0, "void: nobody was refused")
    trial.expect(set(codes) <= {"SERVICE_UNAVAILABLE", "TIMEOUT"}, f"codes {codes}")
    busy = [answer for answer in refused if answer[2] == "SERVICE_UNAVAILABLE"]
    trial.expect(all(status == 503 and again for *_, status, again in busy), f"refused without 503 and Retry-After: {sum(not (status == 503 and again) for *_, status, again in busy)} of {len(busy)}")
    # On SQLite a batch waits 5 s for another process to unlock the file, and the next batch behind it as long again.
    bound = 5 if trial.engine == "postgres" else 10
    trial.expect(slowest <= trial.seconds(bound), f"a request took {slowest:.2f} s")
    trial.expect(quantile([took for _, took, _ in health.seen], 0.99) < trial.seconds(0.05), f"/health p99 {quantile([took for _, took, _ in health.seen], 0.99) * 1000:.0f} ms")
    trial.expect(after and all(code == "OK" for _, _, code, *_ in after), f"1 s after the release: {[answer for answer in after if answer[2] != 'OK'][:2]}")
    late = quantile([took for _, took, *_ in after], 0.99)
    trial.expect(late <= max(trial.seconds(0.1), 2 * idle), f"p99 1 s after the release {late * 1000:.0f} ms, before {idle * 1000:.0f} ms")
    trial.expect(not history.untidy, f"answers that tell too much: {history.untidy[:2]}")
    shares = ", ".join(f"{sum(code == it for _, _, code, *_ in refused)} {it}" for it in codes)
    return trial.result(
        f"{clients} clients, locked for {seconds} s: {shares}, slowest {slowest:.2f} s; /health p99 {quantile([took for _, took, _ in health.seen], 0.99) * 1000:.0f} ms;"
        f" p99 {idle * 1000:.0f} ms before, {late * 1000:.0f} ms from 1 s after the release on")


class Locked:
    """Somebody else holds what the server needs: a table of PostgreSQL, the right to write of SQLite."""

    def __init__(self, trial):
        self.trial = trial

    async def __aenter__(self):
        trial = self.trial
        if trial.engine == "sqlite":
            self.file = sqlite3.connect(trial.database, isolation_level=None, timeout=10, check_same_thread=False)
            await aside(self.file.execute, "begin immediate")
            return
        cluster = trial.cluster
        command = [cluster.programs / "psql", "-X", "-q", "-h", cluster.folder, "-p", str(cluster.port), "-U", "clef", "-d", trial.database]
        self.session = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
        self.session.stdin.write("begin; lock table node in access exclusive mode;\n")
        self.session.stdin.flush()
        while not re.search("t", await aside(cluster.sql, "select exists (select 1 from pg_locks where mode = 'AccessExclusiveLock' and granted and relation = 'node'::regclass)", trial.database)):
            await asyncio.sleep(0.05)

    async def __aexit__(self, *_):
        if self.trial.engine == "sqlite":
            self.file.rollback()
            self.file.close()
        else:
            await aside(self.session.communicate, "rollback;\n")
