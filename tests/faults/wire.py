"""HTTP/1.1 and WebSocket as a client speaks them: one connection each, and a clear word on whether a request can have arrived."""
import asyncio
import base64
import json
import os
import struct


class Unsent(Exception):
    """No connection: the server has seen nothing of the request."""


class Unanswered(Exception):
    """Sent, perhaps in part, and no whole answer came. `began`: whether a part of one did."""

    def __init__(self, reason, began=False, reused=False):
        super().__init__(reason)
        self.began, self.reused = began, reused


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


async def read_answer(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    return Answer(int(lines[0].split(" ")[1]), headers, await reader.readexactly(int(headers.get("content-length", 0))))


class Http:
    """A connection that is kept, and made anew when it is gone."""

    def __init__(self, port, timeout=15.0):
        self.port, self.timeout = port, timeout
        self.reader = self.writer = None
        self.used = 0

    def close(self):
        if self.writer:
            self.writer.transport.abort()
        self.reader = self.writer = None

    async def connect(self):
        try:
            # Not `wait_for`, which loses a cancellation that comes together with the end (Python 3.11).
            async with asyncio.timeout(self.timeout):
                self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        except (OSError, asyncio.TimeoutError) as error:
            raise Unsent(str(error) or "no connection in time") from None
        self.used = 0

    async def send(self, method, path, body=b"", headers=()):
        if self.writer and (self.reader.at_eof() or self.writer.transport.is_closing()):
            self.close()
        if not self.writer:
            await self.connect()
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers)]
        reader, reused = self.reader, self.used > 0
        try:
            self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            async with asyncio.timeout(self.timeout):
                answer = await read_answer(reader)
        except (OSError, EOFError, asyncio.TimeoutError) as error:
            began = bool(getattr(error, "partial", b"")) or bool(getattr(reader, "_buffer", b""))
            self.close()
            raise Unanswered(f"{type(error).__name__} {error}", began, reused) from None
        except asyncio.CancelledError:
            self.close()
            raise
        self.used += 1
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    async def graphql(self, query, variables=None, token=None, name=None, headers=()):
        """The answer as it came; `json()` gives `data` and `errors`."""
        body = {"query": query, "variables": variables or {}}
        if name:
            body["operationName"] = name
        given = [("Content-Type", "application/json"), *headers]
        if token:
            given.append(("Authorization", f"Bearer {token}"))
        return await self.send("POST", "/graphql", json.dumps(body).encode(), given)


async def ask(port, path, timeout=5.0):
    """Status and body of a GET on a connection of its own; status 0 without an answer."""
    http = Http(port, timeout)
    try:
        answer = await http.send("GET", path, headers=[("Connection", "close")])
        return answer.status, answer.body
    except (Unsent, Unanswered) as error:
        return 0, str(error).encode()
    finally:
        http.close()


class Socket:
    """A client of graphql-transport-ws, as far as subscriptions need one (RFC 6455, text frames, masked)."""

    async def open(self, port):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        key = base64.b64encode(os.urandom(16)).decode()
        self.writer.write((
            f"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        ).encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise Unanswered(head.decode("latin-1"))
        self.send({"type": "connection_init"})
        while (await self.receive())["type"] != "connection_ack":
            pass
        return self

    def frame(self, code, payload):
        mask = os.urandom(4)
        size = len(payload)
        length = bytes([128 | size]) if size < 126 else bytes([128 | 126]) + struct.pack(">H", size)
        self.writer.write(bytes([128 | code]) + length + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)))

    def send(self, message):
        self.frame(1, json.dumps(message).encode())

    def subscribe(self, name, query):
        self.send({"id": name, "type": "subscribe", "payload": {"query": query}})

    async def receive(self):
        """The next message; pings are answered. `{"type": "closed"}` at the end."""
        while True:
            try:
                code, length = await self.reader.readexactly(2)
                if length == 126:
                    length, = struct.unpack(">H", await self.reader.readexactly(2))
                elif length == 127:
                    length, = struct.unpack(">Q", await self.reader.readexactly(8))
                payload = await self.reader.readexactly(length)
            except (OSError, EOFError):
                return {"type": "closed", "code": 1006}
            if code & 15 == 8:
                return {"type": "closed", "code": struct.unpack(">H", payload[:2])[0] if payload else 1005}
            if code & 15 == 9:
                self.frame(10, payload)
            elif code & 15 == 1:
                message = json.loads(payload)
                if message["type"] == "ping":
                    self.send({"type": "pong"})
                else:
                    return message

    def close(self):
        self.writer.transport.abort()
