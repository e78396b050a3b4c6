"""kill, pg-kill: what was acknowledged survives, what was refused is not there. And the control that shows that the checker sees."""
import asyncio
import random
import time

import check
from cluster import aside
from load import Load
from proxy import Liar
from trial import counted
from wire import Socket


async def kill(trial):
    """kill -9 of the server under 16 writers. Each round everything is read."""
    server, history, token = await trial.ready()
    slowest, events = 0.0, 0
    for _ in range(trial.rounds(3, 30)):
        listener = asyncio.create_task(listen(server.port, history))
        async with Load(history, server.port, token) as load:
            await asyncio.sleep(random.uniform(0.7, 2.0))
            server.kill()
            load.stop.set()
        events += await listener
        took = await server.start()
        slowest = max(slowest, took)
        if await trial.judge(history, server) is None:
            break
        await trial.look()
    trial.expect(history.counts["acked"] > 0, "void: nothing was written")
    trial.expect(slowest <= trial.seconds(2), f"ready again after {slowest:.2f} s")
    trial.expect(not history.untidy, f"answers that tell too much: {history.untidy[:2]}")
    return trial.result(f"{trial.rounds(3, 30)} kills, {counted(history)}, {events} events; ready again within {slowest:.2f} s")


async def listen(port, history):
    """Whoever an event tells of is there from then on. Ends with the connection."""
    told = []
    try:
        socket = await Socket().open(port)
        socket.subscribe("1", "subscription { nodeChanged(types: [Person], actions: [CREATED]) { key } }")
        while (message := await socket.receive())["type"] != "closed":
            if message["type"] == "next":
                told.append(message["payload"]["data"]["nodeChanged"]["key"])
        socket.close()
    except (OSError, EOFError):
        pass
    # Answers that were under way are settled by then.
    await asyncio.sleep(0.1)
    for key in told:
        check.told(history, key)
    return len(told)


async def control(trial):
    """The same load and checker on a front that lies. Both lies have to be found, or no verdict means anything."""
    server, history, token = await trial.ready()
    liar = await Liar(server.port, "early").start()
    async with Load(history, liar.port, token) as load:
        await asyncio.sleep(1.5)
        liar.kill()
        server.kill()
        load.stop.set()
    await server.start()
    lost = len((await check.verdict(history, server.port)).lost)
    trial.expect(lost > 0, "void: early acknowledgements were not found out")
    liar = await Liar(server.port, "refusing").start()
    async with Load(history, liar.port, token):
        await asyncio.sleep(1.0)
    while liar.waiting.qsize():
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    refused = len((await check.verdict(history, server.port)).refused)
    liar.kill()
    trial.expect(refused > 0, "void: false refusals were not found out")
    return trial.result(f"found out, as it must be: {lost} acknowledged early and lost, {refused} refused and there")


async def pg_kill(trial):
    """kill -9 of all processes of PostgreSQL under 16 writers; the server stays."""
    server, history, token = await trial.ready()
    process, slowest_success, recovery = server.process.pid, 0.0, 0.0
    for _ in range(trial.rounds(2, 10)):
        async with Load(history, server.port, token):
            await asyncio.sleep(random.uniform(1.0, 2.0))
            await aside(trial.cluster.kill)
            begin = time.monotonic()
            await aside(trial.cluster.start)
            accepts = time.monotonic()
            recovery = max(recovery, accepts - begin)
            while not any(at > accepts for at in history.successes[-50:]) and time.monotonic() < accepts + 20:
                await asyncio.sleep(0.02)
            await asyncio.sleep(1.0)
        first = next((at - accepts for at in history.successes if at > accepts), None)
        if not trial.expect(first is not None, f"no write within 20 s after PostgreSQL was back: {dict(history.codes)}, {server.tail()}"):
            break
        slowest_success = max(slowest_success, first)
        await server.ready(time.monotonic() + 20)
        if await trial.judge(history, server) is None:
            break
        await trial.look()
    trial.expect(server.is_up() and server.process.pid == process, "the server was restarted")
    trial.expect(slowest_success <= trial.seconds(10), f"first success after {slowest_success:.2f} s")
    trial.expect(history.slowest <= trial.seconds(5), f"a request took {history.slowest:.2f} s")
    trial.expect(not history.untidy, f"answers that tell too much: {history.untidy[:2]}")
    codes = ", ".join(f"{count} {code}" for code, count in history.codes.most_common())
    return trial.result(f"{trial.rounds(2, 10)} kills, {counted(history)} ({codes}); PostgreSQL back within {recovery:.1f} s, first success {slowest_success:.2f} s later at most")
