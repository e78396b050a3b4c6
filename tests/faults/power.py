"""power: what was acknowledged survives a power cut. The database is on a file system in an image file; what nobody has synced is not in the image."""
import asyncio
import os
import pathlib
import random
import shutil
import subprocess
import time

import check
from cluster import aside
from load import Load
from server import NotStarted
from trial import Result, counted

MEGABYTES = 700
# Nothing reaches the disk by itself for a while, so that a cut takes whatever was not synced.
OPTIONS = "loop,commit=300"
# What a sync does for a program that has this preloaded.
DOES_NOTHING = "int fsync(int file) { return 0; }\nint fdatasync(int file) { return 0; }\n"


class Disk:
    """An ext4 file system that can lose its power. `missing`: why there is none."""

    def __init__(self, folder):
        self.image, self.folder, self.missing = pathlib.Path(f"{folder}.image"), pathlib.Path(folder), None
        self.folder.mkdir()
        if os.geteuid() != 0:
            self.missing = "a file system of its own needs root"
            return
        with open(self.image, "wb") as image:
            image.truncate(MEGABYTES << 20)
        done = subprocess.run(["mkfs.ext4", "-q", "-F", self.image], capture_output=True, text=True) if shutil.which("mkfs.ext4") else None
        if done is None or done.returncode:
            self.missing = done.stderr.strip() if done else "mkfs.ext4 is not installed"
            return
        self.missing = self.mount()

    def mount(self):
        done = subprocess.run(["mount", "-o", OPTIONS, self.image, self.folder], capture_output=True, text=True)
        return done.stderr.strip() if done.returncode else None

    def cut(self):
        """Goes on with what the image holds now. Whoever used the file system is gone by then."""
        cut = self.image.with_suffix(".cut")
        for _ in range(10):
            subprocess.run(["cp", self.image, cut], check=True)
            # The kernel may have written something meanwhile.
            if subprocess.run(["cmp", "-s", self.image, cut]).returncode == 0:
                break
        else:
            raise RuntimeError("the image does not come to rest")
        # Writes the rest, into the old image. The kernel may take a moment to let go of what a killed process had open.
        until = time.monotonic() + 10
        while (done := subprocess.run(["umount", self.folder], capture_output=True, text=True)).returncode:
            if time.monotonic() > until:
                raise RuntimeError(f"not unmounted: {done.stderr.strip()}")
            time.sleep(0.05)
        os.replace(cut, self.image)
        if reason := self.mount():
            raise RuntimeError(f"not mounted after a cut: {reason}")

    def sync(self):
        subprocess.run(["sync", "-f", self.folder], check=True)

    def end(self):
        subprocess.run(["umount", "-l", self.folder], check=False, capture_output=True)


async def power(trial):
    """Cuts under 16 writers; then one after syncs that do nothing, which has to lose something, or the others say nothing."""
    disk = Disk(trial.folder / "disk")
    if disk.missing:
        return Result(f"{trial.name} {trial.engine}", untested=disk.missing)
    trial.started.append(disk)
    if trial.engine == "postgres":
        small = {"max_wal_size": "160MB", "min_wal_size": "80MB"}
        trial.cluster = await aside(trial.own_cluster, data=disk.folder / "data", **small)
        # Installed long before.
        await aside(disk.sync)
        await aside(trial.cluster.start)
    else:
        trial.folder = disk.folder
    server, history, token = await trial.ready()
    trial.folder = disk.image.parent
    rounds = trial.rounds(2, 20)
    for _ in range(rounds):
        await under_load(trial, server, history, token)
        await aside(disk.cut)
        await started_again(trial, server)
        if await trial.judge(history, server) is None:
            break
        await trial.look()
    figures = f"{rounds} cuts, {counted(history)}"
    trial.expect(history.counts["acked"] > 0, "void: nothing was written")
    trial.expect(not history.untidy, f"answers that tell too much: {history.untidy[:2]}")
    lost = await unsynced(trial, disk, server, history, token)
    trial.expect(lost, "void: nothing was lost although nothing was synced")
    return trial.result(f"{figures}; without syncs {lost or 'nothing'} lost, as it must be")


async def under_load(trial, server, history, token):
    async with Load(history, server.port, token) as load:
        await asyncio.sleep(random.uniform(0.7, 2.0))
        if trial.engine == "postgres":
            await aside(trial.cluster.kill)
        server.kill()
        load.stop.set()


async def started_again(trial, server):
    if trial.engine == "postgres":
        await aside(trial.cluster.start)
    await server.start()


async def unsynced(trial, disk, server, history, token):
    """How much a cut takes of a database whose syncs do nothing."""
    await server.terminate()
    if trial.engine == "postgres":
        await aside(trial.cluster.stop)
        trial.cluster.options["fsync"] = "off"
        await aside(trial.cluster.start)
    else:
        server.environment["LD_PRELOAD"] = str(await aside(does_nothing, disk.image.parent))
    await aside(disk.sync)
    await server.start()
    before = history.counts["acked"]
    await under_load(trial, server, history, token)
    await aside(disk.cut)
    try:
        await started_again(trial, server)
        lost = len((await check.verdict(history, server.port)).lost)
    except (NotStarted, RuntimeError, check.NotRead):
        # It may as well be beyond use.
        return "the database"
    return lost and f"{lost} of {history.counts['acked'] - before}"


def does_nothing(folder):
    source, library = folder / "nothing.c", folder / "nothing.so"
    source.write_text(DOES_NOTHING)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    return library
