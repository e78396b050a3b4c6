"""What stands between: TCP to PostgreSQL with the faults of a network, and HTTP that says yes before anything was done."""
import asyncio
import json
import socket
import struct

from server import free_port
from wire import Http, Unanswered, Unsent


class Network:
    """Forwards connections to a port. `mode`: pass, delay, blackhole, reset, refuse, or deaf (what the server answers is lost)."""

    def __init__(self, target):
        self.target, self.port = target, free_port()
        self.mode, self.delay = "pass", 0.0
        self.changed = asyncio.Event()
        self.pairs, self.tasks = set(), set()

    async def start(self):
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", self.port)
        return self

    def set(self, mode, delay=0.0):
        self.mode, self.delay = mode, delay
        self.changed.set()
        self.changed = asyncio.Event()
        if mode in ("reset", "refuse"):
            for writer in [writer for pair in self.pairs for writer in pair]:
                reset(writer)

    async def accept(self, reader, writer):
        if self.mode in ("reset", "refuse"):
            return reset(writer)
        try:
            while self.mode == "blackhole":
                await self.changed.wait()
        except asyncio.CancelledError:
            return None
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return reset(writer)
        pair = (writer, far_writer)
        self.pairs.add(pair)
        try:
            await asyncio.gather(self.pump(reader, far_writer, False), self.pump(far_reader, writer, True))
        except asyncio.CancelledError:
            pass  # The end of the scenario.
        finally:
            self.pairs.discard(pair)

    async def pump(self, reader, writer, is_answer):
        try:
            while data := await reader.read(65536):
                if self.mode == "delay":
                    await asyncio.sleep(self.delay)
                while self.mode == "blackhole":
                    await self.changed.wait()
                if self.mode == "deaf" and is_answer:
                    continue
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        # That one end is gone is not heard of either while nothing passes.
        while self.mode in ("blackhole", "deaf"):
            await self.changed.wait()
        writer.close()

    def end(self):
        self.server.close()
        for pair in self.pairs:
            for writer in pair:
                reset(writer)


def reset(writer):
    """Closes with RST, as a host that knows nothing of the connection."""
    held = writer.get_extra_info("socket")
    if held is not None:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Liar:
    """The control: a front that acknowledges before it hands on (`early`), or refuses what it hands on (`refusing`). A checker that does not find it out
    proves nothing. Killed together with the server: what it has not handed on is gone."""

    def __init__(self, target, mode):
        self.target, self.mode, self.port = target, mode, free_port()
        self.waiting = asyncio.Queue()

    async def start(self):
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", self.port)
        self.tasks = [asyncio.create_task(self.hand_on()) for _ in range(2)]
        return self

    async def accept(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])}
                body = await reader.readexactly(int(headers["content-length"]))
                sent = json.loads(body)
                roots = [line.strip()[0] for line in sent["query"].replace("{ a:", "\na:").split("\n") if line.strip()[1:2] == ":"]
                if self.mode == "early":
                    answer = {"data": {root: {"identifier": "as you say"} for root in roots}}
                else:
                    errors = [{"message": "the database is busy: try again", "path": [root], "extensions": {"code": "SERVICE_UNAVAILABLE"}} for root in roots]
                    answer = {"errors": errors, "data": dict.fromkeys(roots)}
                self.waiting.put_nowait((body, headers["authorization"]))
                text = json.dumps(answer).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
                # So that not only this program has the processor.
                await asyncio.sleep(0.005)
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    async def hand_on(self):
        http = Http(self.target)
        while True:
            body, authorization = await self.waiting.get()
            try:
                await http.send("POST", "/graphql", body, [("Content-Type", "application/json"), ("Authorization", authorization)])
            except (Unsent, Unanswered):
                pass

    def kill(self):
        self.server.close()
        for task in self.tasks:
            task.cancel()
