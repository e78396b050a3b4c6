"""The real binary: started, asked whether it is ready, killed, told to stop."""
import asyncio
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

from wire import Http, ask

KEYS = json.dumps([{"id": "faults", "apiKey": "a-key-for-tests-of-faults-and-nothing-else", "scopes": ["Mutation:*:*"]}])
SECRET = "a-secret-for-tests-of-faults-and-nothing-else"


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


class NotStarted(Exception):
    pass


class Server:
    """A process, started as often as one likes on the same port and database."""

    def __init__(self, binary, folder, database, **environment):
        self.binary, self.folder, self.port = binary, pathlib.Path(folder), free_port()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / f"server-{self.port}.log"
        self.environment = {
            "PATH": os.environ["PATH"], "PORT": str(self.port), "DATABASE_URL": database, "CLEF_ENV": "development",
            "JWT_SECRET": SECRET, "JWT_AUTH_KEYS": KEYS, "RUST_LOG": "warn", **environment,
        }
        self.process = None

    def spawn(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.binary], cwd=self.folder, env=self.environment, stdout=log, stderr=log)

    async def start(self, timeout=60.0):
        """Seconds until it is ready."""
        begin = time.monotonic()
        self.spawn()
        await self.ready(begin + timeout)
        return time.monotonic() - begin

    async def ready(self, until):
        while (await ask(self.port, "/ready"))[0] != 200:
            if self.process.poll() is not None:
                raise NotStarted(f"exit code {self.process.returncode}: {self.tail()}")
            if time.monotonic() > until:
                raise NotStarted(f"not ready in time: {self.tail()}")
            await asyncio.sleep(0.02)

    def is_up(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    async def terminate(self, timeout=45.0):
        """Exit code and seconds; None if it had to be killed."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        while self.process.poll() is None and time.monotonic() < begin + timeout:
            await asyncio.sleep(0.01)
        seconds = time.monotonic() - begin
        if self.process.poll() is None:
            self.kill()
            return None, seconds
        return self.process.returncode, seconds

    def end(self):
        if self.is_up():
            self.kill()

    def tail(self, lines=3):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return " | ".join(text.strip().splitlines()[-lines:])[-600:]

    async def token(self):
        http = Http(self.port)
        body = json.dumps({"id": "faults", "apiKey": json.loads(KEYS)[0]["apiKey"], "scopes": ["Mutation:*:*"]}).encode()
        answer = await http.send("POST", "/jwt", body, [("Content-Type", "application/json")])
        http.close()
        return answer.json()["jwt"]
