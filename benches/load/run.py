#!/usr/bin/env python3
"""Compares Clef with a bare handler that runs hand-written SQL on the same data.

    run.py [--sizes 10000,1000000] [--seconds 10] [--rounds 3] [--queries one_node,nested]   requests/s, latency, CPU, the accepted ratios
    run.py --syncs                                                                          syncs for each create, counted
    run.py --soak 60                                                                        16 writers beside 16 readers: errors, size of the log
    run.py --bare-only                                                                      the bare handler alone

Needs wrk, and strace for --syncs. What is accepted, and how to read the output: benches/README.md.
"""
import argparse, contextlib, hashlib, json, os, random, re, shutil, signal, socket, statistics, subprocess, sys, tempfile, time, urllib.error, urllib.request, uuid

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TARGET = os.environ.get("CARGO_TARGET_DIR") or os.path.join(ROOT, "target")
TICKS = os.sysconf("SC_CLK_TCK")
WAL_BYTES_MAX = 64 << 20
SYNCS_MAX = 0.25
GROWTH_MAX = 1.5
KEY = dict(id="bench", apiKey="a-key-for-the-load-comparison-only", scopes=["*"])

FORMS = ("Sonata Symphony Concerto Nocturne Waltz Mazurka Prelude Fugue Etude Ballade Scherzo Impromptu Rondo Quartet Quintet Trio Suite Overture "
         "Fantasia Rhapsody Serenade Divertimento Cantata Motet Requiem").split()
EIGHT = "identifier name title creator contributor source format language"
TEN = EIGHT + " givenName familyName"
NEW = dict(name="Benchmark Person", title="Benchmark Person", creator="https://www.example.org/creator/1", contributor="https://www.upf.edu",
           source="https://www.example.org/bench", format="text/html")


def key(ty, number):
    """As src/graph.rs makes it."""
    return str(uuid.UUID(bytes=hashlib.sha256(f"{ty}{number}".encode()).digest()[:16]))


def create():
    declared = ", ".join(f"${name}: {'ID' if name == 'identifier' else 'String'}" for name in ["identifier", *NEW])
    given = ", ".join(f"{name}: ${name}" for name in ["identifier", *NEW])
    return f"mutation M({declared}) {{ CreatePerson({given}, language: en) {{ identifier name }} }}"


# Name: document, its variables for a size, least accepted share of the bare handler's rate.
QUERIES = {
    "one_node": (f"query Q($id: ID!) {{ Person(identifier: $id) {{ {EIGHT} }} }}", lambda r, size: {"id": key("Person", r.randrange(size // 6))}, 0.6),
    "filtered_50": ("query Q($t: String!) { MusicComposition(filter: {name_contains: $t}, orderBy: [name_asc], first: 50) { identifier name creator } }",
                    lambda r, size: {"t": r.choice(FORMS)}, 0.85),
    "nested": ("query Q($o: Int!) { MusicComposition(orderBy: [name_asc], first: 20, offset: $o) { identifier name composer { ... on Person { identifier name "
               "exactMatch { ... on Person { identifier name } } } } encoding { ... on MediaObject { identifier name contentUrl encodingFormat } } } }",
               lambda r, size: {"o": r.randrange(1000)}, 0.85),
    "list_1000x10": (f"query Q($o: Int!) {{ Person(first: 1000, offset: $o) {{ {TEN} }} }}", lambda r, size: {"o": r.randrange(600)}, 0.85),
    "list_by_key": (f"query Q($o: Int!) {{ Person(first: 1000, offset: $o, orderBy: [identifier_asc]) {{ {TEN} }} }}", lambda r, size: {"o": r.randrange(600)}, None),
    "create": (create(), lambda r, size: {"identifier": "__KEY__", **NEW}, 0.7),
}
SERVERS = {"clef": [], "bare": [], "bare_each": ["--one-commit-each"]}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", default=os.path.join(tempfile.gettempdir(), "clef-load"), help="folder of the databases (default: %(default)s)")
    ap.add_argument("--sizes", default="10000,1000000", help="numbers of nodes (default: %(default)s)")
    ap.add_argument("--queries", default=",".join(QUERIES))
    ap.add_argument("--seconds", type=int, default=10, help="of each measurement (default: %(default)s)")
    ap.add_argument("--warm", type=int, default=2, help="seconds before each measurement (default: %(default)s)")
    ap.add_argument("--rounds", type=int, default=3, help="how often each server has its turn (default: %(default)s)")
    ap.add_argument("--connections", type=int, default=32)
    ap.add_argument("--syncs", action="store_true", help="count syncs instead")
    ap.add_argument("--soak", type=int, metavar="SECONDS", help="write and read at the same time instead")
    ap.add_argument("--bare-only", action="store_true")
    ap.add_argument("--no-build", action="store_true")
    ap.add_argument("--clef", default=os.path.join(TARGET, "release", "clef"), help="another binary of Clef")
    options = ap.parse_args()
    options.sizes = [int(size) for size in options.sizes.split(",")]
    options.queries = options.queries.split(",")
    if not shutil.which("wrk"):
        subprocess.run(["apt-get", "install", "-y", "wrk"], check=True)
    if not options.no_build:
        subprocess.run(["cargo", "build", "--release", "-p", "clef", "-p", "clef-load", "--bins"], cwd=ROOT, check=True)
    os.makedirs(options.data, exist_ok=True)
    if options.soak:
        held = soak(options)
    elif options.syncs:
        held = count_syncs(options)
    else:
        held = compare(options)
    sys.exit(0 if held else 1)


def compare(options):
    """Each query on each server in turn, round after round, so that what else the machine does meets all alike."""
    held, medians = [], {}
    for size in options.sizes:
        print(f"\n{size:,} nodes, {options.connections} connections, {options.rounds} rounds of {options.seconds} s; medians of the rounds", flush=True)
        names = ["bare", "bare_each"] if options.bare_only else ["clef", "bare", "bare_each"]
        with contextlib.ExitStack() as stack:
            servers = {name: stack.enter_context(Server(name, size, options)) for name in names}
            for query in options.queries:
                turns = [name for name in names if name != "bare_each" or query == "create"]
                if "clef" in turns:
                    held.append(same_answers(servers, turns, query, size))
                rows = {name: [] for name in turns}
                for turn in range(options.rounds):
                    for name in turns if turn % 2 else reversed(turns):
                        rows[name].append(servers[name].measure(query, size, options.connections, options))
                for name in turns:
                    row = {column: statistics.median(row[column] for row in rows[name]) for column in rows[name][0]}
                    rows[name] = row
                    print("  {:<13}{:<10}{:>9,.0f} r/s   p50 {:>7.2f} ms   p99 {:>7.2f} ms   CPU {:>6.0f} us   other {:>4.2f} cores{}".format(
                        query, name, row["rate"], row["p50"], row["p99"], row["cpu_us"], row["other"], f"   ERRORS {row['errors']:.0f}" if row["errors"] else ""), flush=True)
                if "clef" in turns:
                    medians[query, size] = rows["clef"]["p50"]
                    least = QUERIES[query][2]
                    ratio = rows["clef"]["rate"] / rows["bare"]["rate"]
                    held += [verdict(f"{query}: errors of {name}", False, "none") for name in turns if rows[name]["errors"]]
                    held.append(verdict(f"{query}: {ratio:.2f} of the bare handler", least is None or ratio >= least, f"at least {least}" if least else "no limit"))
                    if "bare_each" in turns:
                        print(f"    {rows['clef']['rate'] / rows['bare_each']['rate']:.2f} of the bare handler with a commit for each create")
    small, large = min(options.sizes), max(options.sizes)
    if small < large and medians:
        print(f"\nClef, median at {large:,} nodes over that at {small:,}")
        for query in options.queries:
            growth = medians[query, large] / medians[query, small]
            held.append(verdict(f"{query}: {growth:.2f}", QUERIES[query][2] is None or growth < GROWTH_MAX, f"below {GROWTH_MAX}"))
    return all(held)


def verdict(text, holds, condition):
    print(f"    {'holds ' if holds else 'FAILS '} {text} ({condition})", flush=True)
    return holds


def same_answers(servers, turns, query, size):
    chosen = random.Random(query)
    for _ in range(20):
        variables = QUERIES[query][1](chosen, size)
        if "identifier" in variables:
            variables["identifier"] = str(uuid.uuid4())
        answers = [servers[name].answer(query, variables) for name in turns]
        if "errors" in answers[0] or any(answer != answers[0] for answer in answers):
            print("\n".join(json.dumps(answer)[:600] for answer in answers))
            return verdict(f"{query}: answers of {' and '.join(turns)}", False, f"equal for {variables}")
        if query != "create" and not list(answers[0]["data"].values())[0]:
            return verdict(f"{query}: answer", False, "not empty")
    return True


def count_syncs(options):
    """The kernel's count: every fsync and fdatasync of the process while creates run."""
    held = []
    for name in ["bare"] if options.bare_only else ["bare", "clef"]:
        trace = os.path.join(options.data, f"syncs-{name}.txt")
        with Server(name, options.sizes[0], options, trace=trace) as server:
            server.wrk("create", options.sizes[0], options.connections, options.warm)
            before = lines(trace)
            result = server.wrk("create", options.sizes[0], options.connections, options.seconds)
            time.sleep(0.2)
            syncs = (lines(trace) - before) / result["requests"]
        text = f"{name}: {syncs:.3f} syncs for each of {result['requests']:,} creates ({result['rate']:,.0f}/s under strace), {options.connections} connections"
        held.append(verdict(text, name != "clef" or (syncs <= SYNCS_MAX and not result["errors"]), f"at most {SYNCS_MAX}" if name == "clef" else "no limit"))
    return all(held)


def lines(path):
    return sum(1 for line in open(path) if re.search(r"(fsync|fdatasync)\(\d+", line))


def soak(options):
    """Half the connections create, the other half read; every answer is looked at."""
    size, half = options.sizes[0], options.connections // 2
    with Server("bare" if options.bare_only else "clef", size, options) as server:
        reads = server.body_file("reads", size, ["one_node", "filtered_50", "nested"])
        writes = server.body_file("create", size, ["create"])
        running = [server.start_wrk(body, half, options.soak, check=True) for body in (writes, reads)]
        largest = 0
        while any(process.poll() is None for process in running):
            with contextlib.suppress(OSError):
                largest = max(largest, os.path.getsize(server.database + "-wal"))
            time.sleep(0.02)
        results = [finish_wrk(process) for process in running]
    held = []
    for what, result in zip(("writers", "readers"), results):
        text = f"{half} {what}: {result['rate']:,.0f} r/s, p50 {result['p50']:.2f} ms, p99 {result['p99']:.2f} ms, longest {result['max_us'] / 1000:.0f} ms, {result['errors']} errors"
        held.append(verdict(f"{text} {result['example']}", result["errors"] == 0, "no error"))
    held.append(verdict(f"log: at most {largest / (1 << 20):.1f} MiB in {options.soak} s", largest < WAL_BYTES_MAX, "below 64 MiB"))
    return all(held)


class Server:
    """A server on its own copy of a database."""

    def __init__(self, name, size, options, trace=None):
        self.name, self.size, self.options, self.trace = name, size, options, trace
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.database = os.path.join(options.data, f"run-{name}.db")
        self.headers = {"Content-Type": "application/json", "Accept": "application/json"}

    def __enter__(self):
        original = os.path.join(self.options.data, f"graph-{self.size}.db")
        if not os.path.exists(original):
            subprocess.run([os.path.join(TARGET, "release", "generate"), "--nodes", str(self.size), original], check=True)
        self.remove()
        shutil.copyfile(original, self.database)
        command, environment = self.command()
        if self.trace:
            command = ["strace", "-f", "--seccomp-bpf", "-e", "trace=fsync,fdatasync", "-o", self.trace, *command]
        self.log = open(os.path.join(self.options.data, f"{self.name}.log"), "w")
        self.process = subprocess.Popen(command, env=environment, cwd=self.options.data, stdout=self.log, stderr=self.log)
        try:
            self.wait()
            if self.name == "clef":
                self.headers["Authorization"] = "Bearer " + self.post("jwt", KEY)["jwt"]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for pid in children(self.process.pid) if self.trace else [self.process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.remove()

    def command(self):
        if self.name != "clef":
            return [os.path.join(TARGET, "release", "bare"), self.database, str(self.port), *SERVERS[self.name]], None
        environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR")}
        environment |= {
            "HOST": "127.0.0.1", "PORT": str(self.port), "DATABASE_URL": f"sqlite://{self.database}", "CLEF_ENV": "development",
            "JWT_SECRET": hashlib.sha256(os.urandom(32)).hexdigest(), "JWT_AUTH_KEYS": json.dumps([KEY]),
        }
        return [self.options.clef, "serve"], environment

    def wait(self):
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        sys.exit(f"{self.name} does not listen:\n{open(self.log.name).read()[-2000:]}")

    def remove(self):
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.remove(self.database + suffix)

    def body(self, query, variables):
        return {"query": QUERIES[query][0] if self.name == "clef" else query, "variables": variables}

    def answer(self, query, variables):
        return self.post("", self.body(query, variables))

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), self.headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            sys.exit(f"{self.name} answers {error.code}: {error.read()[:600]}")

    def body_file(self, name, size, queries):
        path, chosen = os.path.join(self.options.data, f"bodies-{self.name}-{name}.jsonl"), random.Random(name)
        with open(path, "w") as out:
            for _ in range(500):
                query = chosen.choice(queries)
                out.write(json.dumps(self.body(query, QUERIES[query][1](chosen, size))) + "\n")
        return path

    def start_wrk(self, body, connections, seconds, check=False):
        environment = dict(os.environ, BODY=body, AUTHORIZATION=self.headers.get("Authorization", "none"))
        if check:
            environment["CHECK"] = "1"
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", os.path.join(HERE, "load.lua"), self.url]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def wrk(self, query, size, connections, seconds):
        return finish_wrk(self.start_wrk(self.body_file(query, size, [query]), connections, seconds))

    def measure(self, query, size, connections, options):
        if options.warm:
            self.wrk(query, size, connections, options.warm)
        start, own, machine = time.time(), cpu_seconds(self.process.pid), machine_seconds()
        before = os.times()
        result = self.wrk(query, size, connections, options.seconds)
        after = os.times()
        own, machine, elapsed = cpu_seconds(self.process.pid) - own, machine_seconds() - machine, time.time() - start
        load = after.children_user + after.children_system - before.children_user - before.children_system
        return dict(rate=result["rate"], p50=result["p50"], p99=result["p99"], errors=result["errors"], cpu_us=own / max(result["requests"], 1) * 1e6,
                    other=max(0.0, machine - own - load) / elapsed)


def finish_wrk(process):
    output = process.communicate()[0]
    found, failed = re.search(r"^RESULT (.*)$", output, re.M), re.search(r"^FAILED (\d+) (.*)$", output, re.M)
    if not found:
        sys.exit(output)
    result = json.loads(found[1])
    result |= dict(rate=result["requests"] / result["duration_us"] * 1e6, p50=result["p50_us"] / 1000, p99=result["p99_us"] / 1000, example=failed[2])
    result["errors"] += int(failed[1])
    return result


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as found:
        return [int(child) for child in found.read().split()]


def cpu_seconds(pid):
    text = open(f"/proc/{pid}/stat").read()
    return sum(map(int, text[text.rindex(")") + 2:].split()[11:13])) / TICKS


def machine_seconds():
    ticks = list(map(int, open("/proc/stat").readline().split()[1:9]))
    return (sum(ticks) - ticks[3] - ticks[4]) / TICKS


main()
