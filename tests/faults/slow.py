"""slow-clients: heads and bodies that never end, answers that nobody takes. They are closed in time, and the others do not notice."""
import asyncio
import json
import pathlib
import random
import socket
import subprocess
import sys
import time

from trial import quantile
from wire import Http, Unanswered, Unsent

# Seconds after which each kind is closed. Those of readers are fewer than an idle connection may last: theirs is none.
BOUNDS = {"heads": 30, "bodies": 15, "readers": 25}
GRACE = 2
# Seconds in which they come: together, each of their bytes would be the start of a thousand others.
SPREAD = 5.0


async def slow_clients(trial):
    server, history, token = await trial.ready()
    await fill(server, token)
    each = 1000 if trial.full else 200
    kinds = [["heads"], ["bodies"], ["readers"]] if trial.full else [["heads", "bodies", "readers"]]
    figures = []
    for together in kinds:
        idle = await others(server.port, 4.0 if trial.full else 2.0)
        # In a process of their own: a thousand timers would be in the way of those that measure.
        arguments = map(str, (__file__, server.port, each, *together))
        holding = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=subprocess.PIPE)
        await asyncio.sleep(SPREAD + 1.0)
        busy = await others(server.port, 4.0 if trial.full else 2.0)
        ends = json.loads((await holding.communicate())[0])
        for kind in together:
            lasted = [end for it, end in ends if it == kind]
            late = sum(end is None or end > BOUNDS[kind] + GRACE for end in lasted)
            trial.expect(late == 0, f"{late} of {each} slow {kind} were not closed after {BOUNDS[kind]} s")
            figures.append(f"{each} slow {kind} closed within {max((end for end in lasted if end), default=0):.1f} s")
        trial.expect(busy[2] == 0, f"{busy[2]} requests of others failed")
        trial.expect(busy[1] < 2 * trial.seconds(idle[1]), f"p99 of others went from {idle[1] * 1000:.1f} to {busy[1] * 1000:.1f} ms")
        figures.append(f"p50 of others {idle[0] * 1000:.1f} to {busy[0] * 1000:.1f} ms, p99 {idle[1] * 1000:.1f} to {busy[1] * 1000:.1f} ms")
    trial.expect(server.is_up(), "the server is gone")
    return trial.result("; ".join(figures))


async def fill(server, token):
    """What makes an answer of 400 KB: more than the buffers between."""
    http = Http(server.port)
    for number in range(100):
        document = "mutation create($d: String) { CreatePerson(description: $d) { identifier } }"
        await http.graphql(document, {"d": "x" * 4000}, token)
    http.close()


async def others(port, seconds, clients=4):
    """Median, p99 and failures of clients that read one node each, some hundred times a second together."""
    times, failures = [], 0
    until = time.monotonic() + seconds

    async def client():
        nonlocal failures
        http = Http(port)
        while time.monotonic() < until:
            begin = time.monotonic()
            try:
                answer = await http.graphql("{ Person(first: 1) { identifier } }")
                failures += answer.status != 200
            except (Unsent, Unanswered):
                failures += 1
            times.append(time.monotonic() - begin)
            await asyncio.sleep(0.01)
        http.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return quantile(times, 0.5), quantile(times, 0.99), failures


def small_socket():
    """Takes little at a time, as a client far away on a bad line."""
    it = socket.socket()
    it.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    it.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    it.setblocking(False)
    return it


async def hold(port, kind, longest=75.0):
    """How long the server bears it: (kind, seconds), or None if it did not end it."""
    await asyncio.sleep(random.uniform(0, SPREAD))
    loop, it = asyncio.get_running_loop(), small_socket()
    body = json.dumps({"query": "{ Person(first: 100) { identifier description } }"}).encode()
    head = f"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n".encode()
    try:
        await loop.sock_connect(it, ("127.0.0.1", port))
        start = time.monotonic()
        sent = {"heads": head, "bodies": head + b"\r\n" + body[:10], "readers": head + b"\r\n" + body}[kind]
        await loop.sock_sendall(it, sent)
        while time.monotonic() < start + longest:
            if kind == "readers":
                # A byte now and then.
                await asyncio.sleep(3)
                if it.getsockname()[1] not in connected(port) or await loop.sock_recv(it, 1) == b"":
                    return kind, time.monotonic() - start
                continue
            try:
                # A further byte every five seconds does not help.
                if await asyncio.wait_for(loop.sock_recv(it, 4096), 5) == b"":
                    return kind, time.monotonic() - start
            except asyncio.TimeoutError:
                await loop.sock_sendall(it, b"X" if kind == "heads" else b" ")
        return kind, None
    except OSError:
        return kind, time.monotonic() - start
    finally:
        it.close()


KNOWN = {"at": 0.0, "ports": set()}


def connected(port):
    """Ports of the clients with which the server has a connection, as the kernel has it: a client that takes nothing hears of no end."""
    if time.monotonic() > KNOWN["at"] + 0.5:
        lines = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        ends = [(line[1].split(":")[1], line[2].split(":")[1]) for line in lines if line[3] == "01"]
        KNOWN.update(at=time.monotonic(), ports={int(far, 16) for near, far in ends if int(near, 16) == port})
    return KNOWN["ports"]


async def hold_all(port, each, *kinds):
    return await asyncio.gather(*(hold(int(port), kind) for kind in kinds for _ in range(int(each))))


if __name__ == "__main__":
    print(json.dumps(asyncio.run(hold_all(*sys.argv[1:]))))
