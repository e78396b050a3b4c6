"""disk-full: a file system of a few megabytes. Writes are refused, reads go on, and all is well once there is space."""
import asyncio
import os
import subprocess
import time

from cluster import aside
from load import Load
from trial import Reader, Result, counted
from wire import Http, ask


def mount(folder, size):
    """A tmpfs; the reason if there is none."""
    folder.mkdir()
    if os.geteuid() != 0:
        return "a file system of its own needs root"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m,mode=755", "clef-faults", folder], capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else None


class Mounted:
    """Taken away at the end, before the folder is."""

    def __init__(self, folder):
        self.folder = folder

    def resize(self, size):
        subprocess.run(["mount", "-o", f"remount,size={size}m", self.folder], check=True)

    def end(self):
        subprocess.run(["umount", "-l", self.folder], check=False)


async def disk_full(trial):
    folder = trial.folder / "small"
    if reason := mount(folder, 200):
        return Result(f"{trial.name} {trial.engine}", untested=reason)
    disk = Mounted(folder)
    trial.started.append(disk)
    if trial.engine == "sqlite":
        trial.folder = folder
        server, history, token = await trial.ready()
        trial.folder = folder.parent
    else:
        # The log of PostgreSQL is elsewhere: where it is full, PostgreSQL itself ends.
        trial.cluster = await aside(trial.own_cluster, data=folder / "data", initdb=["--waldir", trial.folder / "pg" / "wal"])
        await aside(trial.cluster.start)
        server, history, token = await trial.ready()
    small = (disk_used(folder) >> 20) + 8
    large = small + 1000  # Not full again at once.
    disk.resize(small)
    process, rounds, recoveries = server.process.pid, trial.rounds(1, 3), []
    for number in range(rounds):
        # Filled by writes until they are refused, then stays full for a while.
        stop, reader = asyncio.Event(), Reader(history, server.port)
        async with Load(history, server.port, token, size=4000):
            if not await fills(history):
                trial.problems.append("void: the disk was not full in time")
                break
            reading = asyncio.create_task(reader.run(stop, 0.01))
            await asyncio.sleep(1.0)
            await while_full(trial, server)
            await asyncio.sleep(1.0)
            disk.resize(large)
            space = time.monotonic()
            await asyncio.sleep(trial.seconds(2) + 0.5)
            trial.expect(any(at > space for at in history.successes), f"no write after there was space: {server.tail()}")
            recoveries.append(max((at - space for at in history.failures if at > space), default=0.0))
        stop.set()
        await reading
        trial.problems += reader.wrong
        trial.expect(reader.errors == 0 and reader.right > 0, f"{reader.errors} reads failed while the disk was full, {reader.right} did not")
        until = time.monotonic() + trial.seconds(5)
        while (await ask(server.port, "/ready"))[0] != 200 and time.monotonic() < until:
            await asyncio.sleep(0.05)
        trial.expect((await ask(server.port, "/ready"))[0] == 200, "not ready again")
        if await trial.judge(history, server) is None:
            break
        small = (disk_used(folder) >> 20) + 8
        large = small + 1000  # Not full again at once.
        disk.resize(small)
    trial.expect(server.process.pid == process and server.is_up(), "the server was restarted")
    trial.expect(max(recoveries, default=0) <= trial.seconds(2), f"writes were refused for {max(recoveries, default=0):.2f} s after there was space")
    trial.expect(not history.untidy, f"answers that tell too much: {history.untidy[:2]}")
    await trial.look()
    return trial.result(f"{rounds} times full, {counted(history)}, {reader.right} reads meanwhile; the last refusal {max(recoveries, default=0):.2f} s after there was space")


def disk_used(folder):
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


async def fills(history, timeout=120.0):
    """Until writes are refused, and some more are."""
    until, before = time.monotonic() + timeout, history.counts["failed"]
    while history.counts["failed"] < before + 50:
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.02)
    return True


async def while_full(trial, server):
    status, body = await ask(server.port, "/health")
    trial.expect(status == 200, f"/health on a full disk: {status}")
    # A write that still fits, such as a deletion, makes it ready for a moment.
    until, status, body = time.monotonic() + 2, 0, b""
    while time.monotonic() < until and status != 503:
        status, body = await ask(server.port, "/ready")
        await asyncio.sleep(0.05)
    trial.expect(status == 503 and b"DATABASE_FULL" in body, f"/ready on a full disk: {status} {body.decode()}")
    http = Http(server.port)
    seen = (await http.graphql("{ Person(first: 5) { identifier } }")).json()
    http.close()
    trial.expect(not seen.get("errors") and len(seen["data"]["Person"]) == 5, f"a read on a full disk: {seen}")
