#!/usr/bin/env python3
"""Memory that the server needs, and searching with less than the data set takes. Python 3 without packages; root.

    python3 Benchmarks/Server/limited.py FILE [--metric M] [--ef N] [--seconds S] [--share 1.5] [--limit BYTES]
        [--cgroup DIR] [--bin DIR] [--data DIR] [--keep DIR] [--import-only] [--resident BYTES] [--quantization KIND] [--json FILE]

Imports FILE into a server of its own and merges everything. Then, each time in a new process on files that are in
no cache: an empty server's memory; searches without a limit, and the memory after them; the same searches in a memory
cgroup of SHARE x (codes + graph) + an empty server's anonymous memory, or of BYTES. Codes and graph are what the
segment files hold of them; a data set without codes counts one byte for each dimension, which is what int8 would take.
Searches begin when the server has made its sketches and copies. --keep leaves the imported data in DIR and uses what
is there, --import-only stops after that; --resident sets memory.resident_bytes.

Memory is anonymous memory + resident pages of codes, graph and ids, less an empty server's. The originals' page cache
does not count.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from memory_cgroup import MemoryCgroup
from protocol import Connection
from segment_files import anonymous, drop_cache, resident, stored

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Server:
    """A needletaild on a free port, with its cgroup if it has one."""

    def __init__(self, arguments, data, cgroup=None):
        # An embedding model would be loaded after the start, and count here but not in the empty server's memory.
        environment = os.environ | {"XDG_CACHE_HOME": data}
        if arguments.resident:
            environment["NEEDLETAIL_MEMORY_RESIDENT_BYTES"] = arguments.resident
        self.process = subprocess.Popen(
            [os.path.join(arguments.bin, "needletaild"), "--data", data, "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, preexec_fn=cgroup and cgroup.enter,
            env=environment)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise SystemExit(f"the server did not start: {line!r}")
        self.address = line.removeprefix("listening on ").strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


SETTLED_S = 15


def settle(server):
    """Waits until what the collections keep in memory has not changed for a while; gives their descriptions."""
    connection = Connection(server.address)
    before, since = None, time.monotonic()
    while True:
        names = [one["name"] for one in connection.call("collection.list", {})["collections"]]
        found = [connection.call("collection.get", {"collection": name}) for name in names]
        now = [one["bytes_in_memory"] for one in found]
        if now != before:
            before, since = now, time.monotonic()
        if time.monotonic() - since > SETTLED_S:
            return found
        time.sleep(0.5)


def bench(arguments, server, phases, seconds, *more):
    """Runs server-benchmark; gives its figures."""
    with tempfile.NamedTemporaryFile(suffix=".json") as output:
        command = [
            os.path.join(arguments.bin, "server-benchmark"), arguments.file, "--server", server.address,
            "--server-pid", str(server.process.pid), "--phases", phases, "--metric", arguments.metric,
            "--seconds", str(seconds), "--in-flight", "4", "--no-recall", "--json", output.name, *more]
        if arguments.ef:
            command += ["--ef", str(arguments.ef)]
        print(f"{time.strftime('%H:%M:%S')} {phases}", file=sys.stderr, flush=True)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return json.load(open(output.name))


def searches(arguments, data, cgroup=None):
    """Figures of a fresh process on cold files, after as long a run again to warm up; and its memory."""
    drop_cache(data)
    with Server(arguments, data, cgroup) as server:
        print(f"{time.strftime('%H:%M:%S')} settling", file=sys.stderr, flush=True)
        segments = [segment for one in settle(server) for segment in one["segments"]]
        bench(arguments, server, "pipelined", arguments.seconds)
        figures = bench(arguments, server, "sequential,pipelined", arguments.seconds)["phases"]
        pages = resident(server.process.pid, data)
        memory = {
            "anonymous": anonymous(server.process.pid), "codes": pages["codes"], "graph": pages["graph"],
            "ids": pages["ids"], "originals": pages["originals"],
            "sketches": sum(segment["parts"]["sketches"]["resident"] for segment in segments)}
        if cgroup:
            memory["charged"] = cgroup.used()
        return figures, memory


def measure(arguments, directory):
    data = os.path.join(directory, "data")
    more = ["--quantization", arguments.quantization] if arguments.quantization else []
    with Server(arguments, os.path.join(directory, "empty")) as server:
        empty = anonymous(server.process.pid)
    description = os.path.join(directory, "import.json")
    if not os.path.exists(description):
        with Server(arguments, data) as server:
            imported = bench(arguments, server, "import", 1, "--optimize", *more)
        json.dump(imported, open(description, "w"))
    imported = json.load(open(description))
    if arguments.import_only:
        return None
    rows, dimensions = imported["collection"]["points"], imported["data"]["dimensions"]
    files = stored(data)
    codes = files["codes"] or rows * dimensions
    wanted = codes + files["graph"]
    limit = arguments.limit or int(arguments.share * wanted) + empty
    result = {
        "benchmark": "limited", "data": imported["data"], "files": dict(files),
        "codes_are_estimated": files["codes"] == 0, "limit_bytes": limit, "empty_anonymous": empty}

    result["unlimited"], memory = searches(arguments, data)
    counted = memory["anonymous"] + memory["codes"] + memory["graph"] + memory["ids"] - empty
    result["memory"] = memory | {"counted": counted}
    with MemoryCgroup(limit, arguments.cgroup) as cgroup:
        result["limited"], result["memory_limited"] = searches(arguments, data, cgroup)
    phases = {name: result[name]["pipelined"]["searches_per_s"] for name in ("limited", "unlimited")}
    result["ratios"] = {
        "limited_over_unlimited": round(phases["limited"] / phases["unlimited"], 3),
        "memory_over_codes_and_graph": round(counted / wanted, 3)}
    return result


def show(result):
    mib = lambda size: f"{size / 2**20:,.1f}"
    print("| what | MiB |\n|---|--:|")
    for name, size in result["files"].items():
        print(f"| {name} in the files | {mib(size)} |")
    print(f"| anonymous, empty server | {mib(result['empty_anonymous'])} |")
    for name, size in result["memory"].items():
        print(f"| resident without a limit: {name} | {mib(size)} |")
    for name, size in result["memory_limited"].items():
        print(f"| resident in {mib(result['limit_bytes'])} MiB: {name} | {mib(size)} |")
    print("\n| searches/s, pipelined | p50 of one (µs) | p99 of one (µs) | |\n|--:|--:|--:|---|")
    for name in ("unlimited", "limited"):
        one = result[name]["sequential"]
        rate = result[name]["pipelined"]["searches_per_s"]
        print(f"| {rate:,.0f} | {one['p50_us']:,.0f} | {one['p99_us']:,.0f} | {name} |")
    print("\n| ratio | |\n|---|--:|")
    for name, value in result["ratios"].items():
        print(f"| {name} | {value} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--metric", default="cosine")
    parser.add_argument("--ef", type=int)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--share", type=float, default=1.5)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--cgroup")
    parser.add_argument("--keep")
    parser.add_argument("--import-only", action="store_true", help="with --keep: measures nothing yet")
    parser.add_argument("--resident")
    parser.add_argument("--quantization")
    parser.add_argument("--json")
    parser.add_argument("--bin", default=os.path.join(ROOT, ".build", "release"))
    parser.add_argument("--data", help="where the temporary data directory is made")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is below is cleaned up
    directory = arguments.keep or tempfile.mkdtemp(prefix="needletail-limited.", dir=arguments.data)
    try:
        os.makedirs(directory, exist_ok=True)
        result = measure(arguments, directory)
    finally:
        if not arguments.keep:
            shutil.rmtree(directory)
    if result is None:
        return
    show(result)
    if arguments.json:
        with open(arguments.json, "w") as output:
            json.dump(result, output, indent=2)


main()
