"""A private PostgreSQL cluster in a folder of its own: started, stopped, killed with all its processes, gone at the end."""
import asyncio
import itertools
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import time

from server import free_port


class Missing(Exception):
    pass


def programs():
    """Debian keeps the programs of each version apart."""
    found = [path.parent for path in pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found:
        raise Missing("PostgreSQL is not installed: run tests/run, which installs it, or the package postgresql of your system")
    return max(found, key=lambda path: int(path.parent.name))


class Cluster:
    """`options` are settings of the server; `data` is its folder, made here."""

    def __init__(self, folder, data=None, initdb=(), **options):
        self.programs = programs()
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = pathlib.Path(data) if data else self.folder / "data"
        self.port = free_port()
        self.names = itertools.count()
        self.process = None
        self.options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.folder), "port": self.port, "max_connections": 200, **options}
        # PostgreSQL refuses to run as root: the user that came with its package does then.
        self.user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self.be = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        if self.user:
            for path in {self.folder, self.data.parent}:
                os.chown(path, self.user.pw_uid, self.user.pw_gid)
        self.run("initdb", "-D", self.data, "-U", "clef", "-A", "trust", "-E", "UTF8", "-N", "--locale=C.UTF-8", *initdb)

    def run(self, program, *arguments, check=True, timeout=120):
        command = [self.programs / program, *map(str, arguments)]
        with open(self.folder / f"{program}.out", "w+b") as out:
            done = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=timeout, **self.be)
            out.seek(0)
            text = out.read().decode(errors="replace").strip()
        if check and done.returncode:
            raise RuntimeError(f"{program}: {text[-500:]}")
        return text

    def url(self, name, port=None):
        return f"postgres://clef@127.0.0.1:{port or self.port}/{name}"

    def database(self):
        """The name of a new, empty one."""
        name = f"t{next(self.names)}"
        self.sql(f"create database {name}")
        return name

    def sql(self, text, database="postgres"):
        return self.run("psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", self.port, "-U", "clef", "-d", database, "-c", text)

    def start(self, timeout=60.0):
        """Returns once it accepts connections. A child of this process, so that a killed one leaves nothing that looks alive."""
        self.spawn()
        until = time.monotonic() + timeout
        while not self.is_up():
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL does not start: {(self.folder / 'log').read_text(errors='replace')[-500:]}")
            time.sleep(0.02)
        return self

    def spawn(self):
        settings = [part for name, value in self.options.items() for part in ("-c", f"{name}={value}")]
        with open(self.folder / "log", "ab") as log:
            command = [self.programs / "postgres", "-D", self.data, *settings]
            self.process = subprocess.Popen(command, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.be)

    def stop(self, mode="fast"):
        """Returns once it is gone."""
        if self.process.poll() is None:
            self.process.send_signal({"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode])
        self.process.wait(60)

    def is_up(self):
        return subprocess.run([self.programs / "pg_isready", "-q", "-h", self.folder, "-p", str(self.port)]).returncode == 0

    def kill(self):
        """SIGKILL for the postmaster and all its children; returns when none is left."""
        root = self.process.pid
        children = subprocess.run(["pgrep", "-P", str(root)], capture_output=True, text=True).stdout.split()
        mine = [root, *map(int, children)]
        for process in mine:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(30)
        until = time.monotonic() + 30
        while any(is_alive(process) for process in mine):
            if time.monotonic() > until:
                raise RuntimeError("processes of PostgreSQL do not end")
            time.sleep(0.02)

    def end(self):
        try:
            if self.process:
                self.stop("immediate")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


def is_alive(process):
    """Not a zombie either, which nobody may reap here."""
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False


async def aside(function, *arguments, **named):
    """Something that blocks, beside the load."""
    return await asyncio.get_running_loop().run_in_executor(None, lambda: function(*arguments, **named))
