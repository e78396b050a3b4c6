"""backup: a copy taken under load restores to a state that has every write acknowledged before it began, and nothing torn."""
import asyncio
import random
import sqlite3
import subprocess

import check
from cluster import aside
from load import History, Load
from trial import counted


async def backup(trial):
    """Copies as docs/operations.md has them, each restored beside the server and read by one of its own."""
    server, history, token = await trial.ready()
    # What is made stays, so that all of it can be told from the history.
    history.kinds = ["create", "pair", "create", "request"]
    rounds, slowest = trial.rounds(2, 10), 0.0
    for number in range(rounds):
        async with Load(history, server.port, token):
            await asyncio.sleep(random.uniform(0.5, 1.5))
            before = {key for key, states in history.possible.items() if None not in states}
            copy = await aside(copied, trial, number)
            # Written after the copy.
            await asyncio.sleep(0.3)
        expected = History()
        expected.possible = {key: states if key in before else states | {None} for key, states in history.possible.items()}
        address = await aside(restored, trial, number, copy)
        trial.expect((said := await aside(difference, trial, server, address)) == "", f"the copy does not fit the schema: {said}")
        other = trial.server(address, AUDIT_TABLE="true")
        slowest = max(slowest, await other.start())
        if await trial.judge(expected, other) is None:
            break
        await other.terminate()
        if trial.engine == "sqlite":
            trial.problems += await aside(check.look_at_file, trial.folder / f"restored{number}.db")
        else:
            trial.problems += await aside(check.look_at_cluster, trial.cluster, address.rsplit("/", 1)[1])
    trial.expect(history.counts["failed"] + history.counts["unknown"] == 0, f"writes failed beside a copy: {dict(history.codes)}")
    trial.expect(history.counts["acked"] > 0, "void: nothing was written")
    return trial.result(f"{rounds} copies, {counted(history)}; a copy is served within {slowest:.2f} s")


def copied(trial, number):
    if trial.engine == "postgres":
        dump = trial.cluster.folder / f"copy{number}.dump"
        trial.cluster.run("pg_dump", "--format=custom", f"--file={dump}", trial.cluster.url(trial.database))
        return dump
    file = trial.folder / f"copy{number}.db"
    database = sqlite3.connect(f"file:{trial.database}?mode=ro", uri=True)
    if number % 2:
        database.execute("vacuum into ?", (str(file),))
    else:
        with sqlite3.connect(file) as target:
            database.backup(target)
        target.close()
    database.close()
    return file


def restored(trial, number, copy):
    if trial.engine == "postgres":
        name = trial.cluster.database()
        trial.cluster.run("pg_restore", "--no-owner", f"--dbname={trial.cluster.url(name)}", copy)
        return trial.cluster.url(name)
    file = trial.folder / f"restored{number}.db"
    copy.rename(file)
    return f"sqlite://{file}?mode=rw"


def difference(trial, server, address):
    """What a server would have to change in the copy before it could serve it."""
    command = [trial.options.binary, "migrate", "--dry-run"]
    done = subprocess.run(command, cwd=trial.folder, env={**server.environment, "DATABASE_URL": address}, capture_output=True, text=True)
    said = (done.stdout + done.stderr).strip()
    return "" if done.returncode == 0 and "nothing to do" in said else f"exit code {done.returncode}, {said}"
