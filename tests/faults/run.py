#!/usr/bin/env python3
"""The real binary and a real PostgreSQL among faults: tests/faults/run.py --binary target/release/clef [--engine …] [--only …] [--rounds N] [--full]

Prints a line for each scenario and engine, and `N passed, N failed`. README.md says what each promises.
"""
import argparse
import asyncio
import os
import pathlib
import resource
import shutil
import sys
import tempfile
import time
import traceback

import backup
import crash
import disk
import drain
import live
import network
import outage
import power
import slow
import start
from cluster import Cluster, Missing
from trial import Result, Trial

BOTH, SQLITE, POSTGRES = ("sqlite", "postgres"), ("sqlite",), ("postgres",)
SCENARIOS = {
    "control": (crash.control, BOTH),
    "kill": (crash.kill, BOTH),
    "pg-kill": (crash.pg_kill, POSTGRES),
    "power": (power.power, BOTH),
    "pg-restart": (outage.pg_restart, POSTGRES),
    "start": (start.start, BOTH),
    "drain": (drain.drain, BOTH),
    "rolling": (drain.rolling, POSTGRES),
    "disk-full": (disk.disk_full, BOTH),
    "backup": (backup.backup, BOTH),
    "slow-clients": (slow.slow_clients, SQLITE),
    "pool": (outage.pool, BOTH),
    "network": (network.network, POSTGRES),
    "events": (live.events, BOTH),
}


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default="target/release/clef", type=os.path.abspath)
    parser.add_argument("--engine", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--only", default=",".join(SCENARIOS), help="names, separated by commas: " + ", ".join(SCENARIOS))
    parser.add_argument("--rounds", type=int, help="of each scenario that has rounds")
    parser.add_argument("--full", action="store_true", help="as many rounds, and as long ones, as are promised; short ones otherwise")
    parser.add_argument("--patience", type=float, default=1.0, help="all bounds of time times this, for debug builds")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where databases are made; on a disk")
    parser.add_argument("--result", help="file for the figures")
    given = parser.parse_args()
    unknown = set(given.only.split(",")) - SCENARIOS.keys()
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    if not os.access(given.binary, os.X_OK):
        parser.error(f"{given.binary} is no program: build it, or name another with --binary")
    return given


async def run(given, name, engine, folder, cluster):
    """One scenario, whatever happens in it."""
    trial = Trial(given, name, engine, folder / f"{name}-{engine}", cluster)
    try:
        return await asyncio.wait_for(SCENARIOS[name][0](trial), 3600)
    except Exception:
        logs = [f"{server.log.name}: {server.tail()}" for server in trial.started if hasattr(server, "log") and hasattr(server, "tail")]
        return Result(f"{name} {engine}", problems=[*trial.problems, traceback.format_exc(limit=-4).replace("\n", "\n     "), *logs])
    finally:
        trial.end()


def main():
    given = options()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 20000)), hard))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="clef-faults-", dir=given.folder))
    os.chmod(folder, 0o755)
    engines = BOTH if given.engine == "both" else (given.engine,)
    chosen = [(name, engine) for name in given.only.split(",") for engine in SCENARIOS[name][1] if engine in engines]
    results, cluster = [], None
    try:
        if any(engine == "postgres" for _, engine in chosen):
            cluster = Cluster(folder / "pg").start()
        for name, engine in chosen:
            begin = time.monotonic()
            result = asyncio.run(run(given, name, engine, folder, cluster))
            results.append(result)
            print(f"{result} [{time.monotonic() - begin:.0f} s]", flush=True)
    except Missing as error:
        print(error)
        results.append(Result("PostgreSQL", problems=[str(error)]))
    finally:
        if cluster:
            cluster.end()
        shutil.rmtree(folder, ignore_errors=True)
    untested = sum(bool(result.untested) for result in results)
    failed = sum(bool(result.problems) for result in results)
    passed = len(results) - failed - untested
    if given.result:
        pathlib.Path(given.result).write_text(f"{passed} {failed}\n")
    print(f"{passed} passed, {failed} failed" + (f", {untested} not tested" if untested else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
