#!/usr/bin/env python3
"""Real clients against the real binary: run.py BINARY FOLDER [sqlite|postgres]

Starts the binary in an empty folder without any configuration, as a newcomer does, and takes the key that it made.
Then: the steps of the unmodified PyPI client (trompace_steps.py), the documents that clients send (replay.mjs), JSON-LD
in a processor of it (jsonld_steps.py), and npm clients that subscribe (live.mjs). Then the pages for people in Chromium (explorer.mjs), whose
files of others are compared with npm's; these only on SQLite. On PostgreSQL each server has a cluster of its own.
What is not served yet stands in `later.txt`: those steps must fail, and all others must pass. Writes "PASSED FAILED" to FOLDER/result.
"""
import gzip
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


class Cluster:
    """PostgreSQL in a folder, reached through a socket in it. It refuses to run as root: the user that came with its package does then."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="clef-pg-")
        self.programs = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        self.user = {}
        if os.getuid() == 0:
            postgres = pwd.getpwnam("postgres")
            os.chown(self.folder, postgres.pw_uid, postgres.pw_gid)
            self.user = {"user": postgres.pw_uid, "group": postgres.pw_gid, "extra_groups": []}
        self.run("initdb", "-D", f"{self.folder}/data", "-U", "clef", "-A", "trust", "-E", "UTF8", "-N")
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' -c fsync=off"
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-w", "-o", options, "start")
        self.url = f"postgres://clef@{self.folder.replace('/', '%2F')}/postgres"

    def run(self, program, *arguments):
        subprocess.run([self.programs / program, *arguments], cwd="/", check=True, stdout=subprocess.DEVNULL, **self.user)

    def stop(self):
        self.run("pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "stop")
        shutil.rmtree(self.folder)


class Server:
    """The binary, in a folder of its own."""

    def __init__(self, binary, database):
        self.cluster = Cluster() if database == "postgres" else None
        self.folder = tempfile.mkdtemp(prefix="clef-clients-")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = open(f"{self.folder}/log", "w+")
        environment = {"PATH": os.environ["PATH"], "PORT": str(self.port)}
        if self.cluster:
            environment["DATABASE_URL"] = self.cluster.url
        self.process = subprocess.Popen([binary], cwd=self.folder, env=environment, stdout=self.log, stderr=subprocess.STDOUT)
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.url}/health", timeout=1).read()
                break
            except OSError:
                if self.process.poll() is not None:
                    sys.exit(f"the server did not start:\n{open(f'{self.folder}/log').read()}")
                time.sleep(0.1)
        keys = json.load(open(f"{self.folder}/data/development-keys.json"))
        self.key_id, self.key = keys.get("id", "dev"), keys["apiKey"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=40)
        if self.cluster:
            self.cluster.stop()
        shutil.rmtree(self.folder)
        return code


def check(name, lines, later):
    """Compares PASS and FAIL lines with those that are not served yet; returns (passed, failed)."""
    passed = failed = 0
    for line in lines:
        verdict, _, text = line.partition(" ")
        if verdict not in ("PASS", "FAIL") or text.startswith("SUMMARY"):
            continue
        is_later = any(text.startswith(known) for known in later)
        if (verdict == "FAIL") == is_later:
            passed += 1
        else:
            failed += 1
            print(f"{name}: {line}" if verdict == "FAIL" else f"{name}: {text} passes now: take it out of later.txt")
    return passed, failed


def main():
    binary, folder = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    database = (sys.argv + ["sqlite"])[3]
    if database not in ("sqlite", "postgres"):
        sys.exit(f"`{database}` is no database: name sqlite or postgres")
    later = [line.strip() for line in open(HERE / "later.txt") if line.strip() and not line.startswith("#")]
    passed = failed = 0

    server = Server(binary, database)
    done = subprocess.run([sys.executable, HERE / "trompace_steps.py", server.url, server.key_id, server.key], cwd=server.folder, capture_output=True, text=True)
    (folder / "trompace.log").write_text(done.stdout + done.stderr)
    figures = check("trompace-client", done.stdout.splitlines(), later)
    print(f"trompace-client 0.5: {figures[0]} steps as expected, {figures[1]} not")
    passed, failed = passed + figures[0], failed + figures[1] + (0 if figures[0] else 1)
    if server.stop() != 0:
        print("the server did not end well on SIGTERM")
        failed += 1

    server = Server(binary, database)
    for name in ("replay.mjs", "live.mjs", "package.json"):
        shutil.copy(HERE / name, folder / "node" / name)
    (folder / "node" / "documents.jsonl").write_bytes(gzip.decompress((HERE / "documents.jsonl.gz").read_bytes()))
    done = subprocess.run(["node", folder / "node" / "replay.mjs", server.url, server.key_id, server.key, "--verbose"], capture_output=True, text=True)
    (folder / "replay.log").write_text(done.stdout + done.stderr)
    wrong = [line for line in done.stdout.splitlines() if line.startswith("FAIL ") and "SUMMARY" not in line and ": " in line and "[" not in line.split(":")[0]]
    wrong = [line for line in wrong if not any(reason in line for reason in later)]
    right = sum(line.startswith("PASS ") and "[" not in line for line in done.stdout.splitlines())
    print("\n".join(wrong))
    print(f"documents of clients: {right} behave as expected, {len(wrong)} do not")
    passed, failed = passed + right, failed + len(wrong) + (0 if right else 1)
    done = subprocess.run([sys.executable, HERE / "jsonld_steps.py", server.url, server.key_id, server.key], capture_output=True, text=True)
    (folder / "jsonld.log").write_text(done.stdout + done.stderr)
    figures = check("PyLD", done.stdout.splitlines(), later)
    print(f"documents in PyLD: {figures[0]} steps as expected, {figures[1]} not")
    passed, failed = passed + figures[0], failed + figures[1] + (0 if figures[0] else 1)
    done = subprocess.run(["node", folder / "node" / "live.mjs", server.url, server.key_id, server.key], capture_output=True, text=True)
    (folder / "live.log").write_text(done.stdout + done.stderr)
    figures = check("npm clients", done.stdout.splitlines(), later)
    print(f"npm clients that subscribe: {figures[0]} steps as expected, {figures[1]} not")
    passed, failed = passed + figures[0], failed + figures[1] + (0 if figures[0] else 1)
    if server.stop() != 0:
        print("the server did not end well on SIGTERM")
        failed += 1

    if database == "sqlite":
        server = Server(binary, database)
        shutil.copy(HERE / "explorer.mjs", folder / "node" / "explorer.mjs")
        chromium = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), "chromium")
        steps = [
            ("pages in Chromium", ["node", folder / "node" / "explorer.mjs", server.url, server.key_id, server.key, chromium, folder / "screenshots"], "explorer.log"),
            ("files of others", ["node", HERE.parents[1] / "src/http/explorer/assets/assets.mjs", "--check", folder / "npm"], "assets.log"),
        ]
        for name, command, log in steps:
            done = subprocess.run(command, capture_output=True, text=True)
            (folder / log).write_text(done.stdout + done.stderr)
            figures = check(name, done.stdout.splitlines(), later)
            print("".join(f"  {line[5:]}\n" for line in done.stdout.splitlines() if line.startswith("PASS") and " ms" in line), end="")
            print(f"{name}: {figures[0]} steps as expected, {figures[1]} not{'' if figures[0] else ': ' + done.stderr.strip()[-500:]}")
            failed += figures[1] + (1 if not figures[0] or (done.returncode and not figures[1]) else 0)
            passed += figures[0]
        if server.stop() != 0:
            print("the server did not end well on SIGTERM")
            failed += 1

    (folder / "result").write_text(f"{passed} {failed}\n")
    return 1 if failed else 0


sys.exit(main())
