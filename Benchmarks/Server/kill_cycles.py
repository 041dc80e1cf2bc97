#!/usr/bin/env python3
"""Kills the server under full load, again and again, and looks for what was acknowledged. Standard library only.

    python3 Benchmarks/Server/kill_cycles.py NEEDLETAILD [--cycles 100] [--seed 1] [--directory DIR]

All cycles work on one data directory. In each, three connections upsert and delete points, one searches, and one makes,
verifies, restores and removes snapshots, drops what was restored, and optimizes; segments are so small that sealing and
merging never stop. At a moment drawn from the seed, in every other cycle soon after a chosen kind of administrative
request was sent, the server gets SIGKILL. It is started again on the same directory, and then must hold:

- every acknowledged write, and of the writes that were not answered a prefix for each connection, each wholly or not;
- no point that was deleted, and no version that is not the one acknowledged; new versions are greater than all before;
- every restored collection wholly or not at all, with the points that its snapshot was said to have, an acknowledged one
  in any case;
- every acknowledged snapshot, proven by `snapshot.verify` (one a cycle, all at the end);
- an exact search over everything that finds these points and no others.
"""

import argparse
import base64
import collections
import json
import random
import signal
import socket
import subprocess
import tempfile
import threading
import time
from array import array

COLLECTION = "load"
SIZE = 24
WRITERS = 3
IDS = 1_500  # of each writer
SETTINGS = """
[storage]
growing_rows = 1024
checkpoint_bytes = 1048576
reserve_bytes = 0
low_water_bytes = 0
snapshot_bytes_per_second = 1000000000
[threads]
maintenance = 2
[search]
exact_rows = 100
"""
ADMINISTRATION = [
    "snapshot.create", "snapshot.restore", "collection.optimize", "snapshot.verify", "collection.delete", "snapshot.delete",
]


class Broken(Exception):
    """The connection ended, as it does when the server is killed."""


class Refused(Exception):
    pass


class Connection:
    """One request after the other, or several in flight; answers in any order."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", buffering=1 << 20)
        self.file.readline()
        self.next_id = 0

    def send(self, method, params):
        self.next_id += 1
        line = json.dumps({"id": self.next_id, "method": method, "params": params}, separators=(",", ":"))
        try:
            self.socket.sendall(line.encode() + b"\n")
        except OSError as error:
            raise Broken from error
        return self.next_id

    def receive(self):
        while True:
            try:
                line = self.file.readline()
                reply = json.loads(line)
            except (OSError, ValueError) as error:
                raise Broken from error
            if "id" in reply:
                return reply

    def call(self, method, params):
        self.send(method, params)
        reply = self.receive()
        if "error" in reply:
            raise Refused(f"{method}: {reply['error']}")
        return reply["result"]


def vector_of(number):
    """The vector that write `number` gives to its points, and its base64."""
    chance = random.Random(number)
    floats = array("f", [chance.uniform(-1, 1) for _ in range(SIZE)])
    return base64.b64encode(floats.tobytes()).decode()


class Write:
    """What was asked: all its ids get the write's number, or go."""

    def __init__(self, number, ids, deletes):
        self.number, self.ids, self.deletes = number, ids, deletes
        self.lsn = None

    def request(self):
        if self.deletes:
            return "point.delete", {"collection": COLLECTION, "ids": self.ids}
        vector = vector_of(self.number)
        points = [{"id": i, "vector": vector, "payload": {"n": self.number}} for i in self.ids]
        return "point.upsert", {"collection": COLLECTION, "points": points}


class Writer:
    """Owns some ids; keeps several writes in flight. Writes of a connection are applied in the order sent."""

    def __init__(self, index, numbers):
        self.ids = [index * IDS + i for i in range(IDS)]
        self.numbers = numbers
        self.state = {}  # id: (version, number), of points that are there
        self.history = collections.defaultdict(list)  # id: [(lsn, number or None)], lsn None: somewhere before the next
        self.pending = []
        self.acknowledged = 0

    def run(self, connection, chance):
        waiting = {}
        try:
            while True:
                deletes = chance.random() < 0.3
                ids = chance.sample(self.ids, chance.randrange(1, 25 if deletes else 60))
                write = Write(next(self.numbers), ids, deletes)
                self.pending.append(write)
                waiting[connection.send(*write.request())] = write
                while len(waiting) >= 4:
                    reply = connection.receive()
                    if "error" in reply:
                        raise AssertionError(f"a write was refused: {reply['error']}")
                    waiting.pop(reply["id"]).lsn = reply["result"]["lsn"]
                    self.settle()
        except Broken:
            return

    def settle(self):
        """Applies what is acknowledged, in order."""
        while self.pending and self.pending[0].lsn is not None:
            self.apply(self.pending.pop(0))
            self.acknowledged += 1

    def apply(self, write):
        for i in write.ids:
            if write.deletes:
                self.state.pop(i, None)
            else:
                self.state[i] = (write.lsn, write.number)
            self.history[i].append((write.lsn, None if write.deletes else write.number))

    def resolve(self, found):
        """Finds out how many of the writes without an answer have happened, and takes them over.

        `found` is what the server has: id: (version, number). Answers the number of writes taken over."""
        touched = sorted({i for write in self.pending for i in write.ids})
        for i in self.ids:
            if i not in touched and found.get(i) != self.state.get(i):
                raise AssertionError(f"point {i} is {found.get(i)}, acknowledged was {self.state.get(i)}")
        numbers = {i: n for i, (_, n) in self.state.items()}
        goal = {i: found[i][1] if i in found else None for i in touched}
        least = max((k + 1 for k, write in enumerate(self.pending) if write.lsn is not None), default=0)
        for count in range(len(self.pending) + 1):
            if count >= least and all(numbers.get(i) == goal[i] for i in touched):
                break
            if count < len(self.pending):
                write = self.pending[count]
                for i in write.ids:
                    numbers[i] = None if write.deletes else write.number
        else:
            raise AssertionError(f"points {touched[:5]}… show no prefix of the writes that were not answered")
        for write in self.pending[:count]:
            if write.lsn is None and not write.deletes:
                versions = {found[i][0] for i in write.ids if i in found and found[i][1] == write.number}
                assert len(versions) <= 1, f"write {write.number} has the versions {versions}"
                write.lsn = versions.pop() if versions else None
            self.apply(write)
        self.pending = []
        for i in touched:
            if i in found and self.state[i][0] is None:
                raise AssertionError("a write that is found has a version")
            assert found.get(i) == self.state.get(i), f"point {i}: {found.get(i)}, {self.state.get(i)}"
        return count

    def at(self, i, lsn):
        """The number that point i had after write `lsn`; `...` when that is not known."""
        result = None
        for version, number in self.history[i]:
            if version is None:
                return ...
            if version > lsn:
                break
            result = number
        return result


class Administrator:
    """Snapshots, restores, drops, optimizing: one after the other."""

    def __init__(self):
        self.snapshots = {}  # name: (lsn, points), acknowledged
        self.restored = {}  # collection: snapshot, acknowledged
        self.attempted = {}  # collection: snapshot, not answered
        self.dropping = set()  # collections and snapshots whose removal was not answered
        self.in_flight = None
        self.counts = collections.Counter()
        self.serial = 0

    def run(self, connection, chance, goal, reached):
        try:
            while True:
                method = goal if goal and chance.random() < 0.4 else chance.choice(ADMINISTRATION)
                params = self.params(method, chance)
                if params is None:
                    method, params = "snapshot.create", {"collection": COLLECTION}
                self.in_flight = method
                if method == goal:
                    reached.set()
                result = connection.call(method, params)
                self.in_flight = None
                self.take(method, params, result)
        except Broken:
            return

    def params(self, method, chance):
        names = sorted(self.snapshots)
        if method == "snapshot.create":
            return {"collection": COLLECTION} if len(names) < 6 else None
        if method == "collection.optimize":
            return {"collection": COLLECTION, "wait": chance.random() < 0.3}
        if method == "collection.delete":
            if not self.restored:
                return None
            name = chance.choice(sorted(self.restored))
            self.dropping.add(name)
            return {"collection": name}
        if not names:
            return None
        name = chance.choice(names)
        if method == "snapshot.delete":
            if len(names) < 2:
                return None
            self.dropping.add(name)
        if method == "snapshot.restore":
            if len(self.restored) >= 5:
                return None
            self.serial += 1
            self.attempted[f"restored-{self.serial}"] = name
            return {"snapshot": name, "as": f"restored-{self.serial}"}
        return {"snapshot": name}

    def take(self, method, params, result):
        self.counts[method] += 1
        if method == "snapshot.create":
            self.snapshots[result["snapshot"]] = (result["lsn"], result["points"])
        elif method == "snapshot.restore":
            name = params["as"]
            self.restored[name] = self.snapshots[self.attempted.pop(name)]
            assert (result["lsn"], result["points"]) == self.restored[name], f"{name}: {result}, {self.restored[name]}"
        elif method == "collection.delete":
            self.restored.pop(params["collection"])
            self.dropping.discard(params["collection"])
        elif method == "snapshot.delete":
            self.snapshots.pop(params["snapshot"])
            self.dropping.discard(params["snapshot"])


def search_on(connection, chance, failures):
    try:
        while True:
            vector = vector_of(chance.randrange(1, 1000))
            exact = {"exact": True} if chance.random() < 0.2 else {}
            result = connection.call("point.search", {"collection": COLLECTION, "vector": vector, "params": exact})
            if not result["complete"]:
                failures.append(f"an incomplete answer: {result}")
    except Broken:
        return
    except Refused as error:
        failures.append(str(error))


def start(program, directory, config):
    process = subprocess.Popen(
        [program, "--config", config, "--data", directory, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True)
    line = process.stdout.readline()
    if not line.startswith("listening on "):
        raise SystemExit(f"the server did not start: {line!r}")
    return process, line.removeprefix("listening on ").strip()


def content(connection, collection):
    """Everything in a collection: id: (version, number)."""
    found, cursor = {}, None
    while True:
        params = {"collection": collection, "limit": 5_000} | ({"cursor": cursor} if cursor else {})
        page = connection.call("point.scroll", params)
        for point in page["points"]:
            assert point["id"] not in found, f"point {point['id']} comes twice"
            found[point["id"]] = (point["version"], point["payload"]["n"])
        cursor = page["cursor"]
        if cursor is None:
            return found


def check(connection, writers, administrator, chance):
    """Everything that must hold after a start. Answers the writes that happened without an answer."""
    found = content(connection, COLLECTION)
    assert connection.call("point.count", {"collection": COLLECTION})["count"] == len(found), "count and scroll differ"
    newest = max((write.lsn for w in writers for write in w.pending if write.lsn), default=0)
    newest = max([newest] + [version for w in writers for version, _ in w.state.values()])
    taken = sum(writer.resolve(found) for writer in writers)
    lsn = connection.call("collection.get", {"collection": COLLECTION})["lsn"]
    assert lsn >= newest, f"the newest write is {lsn}, {newest} was acknowledged"
    vector = vector_of(chance.randrange(1, 1000))
    hits = connection.call("point.search", {
        "collection": COLLECTION, "vector": vector, "limit": 10_000, "params": {"exact": True}})
    assert hits["complete"] and {h["id"]: (h["version"], h["payload"]["n"]) for h in hits["points"]} == found, "search"
    check_restored(connection, writers, administrator, chance)
    check_snapshots(connection, administrator, chance)
    health = connection.call("server.health", {})
    assert health["status"] == "ok", f"health: {health}"
    return taken


def check_restored(connection, writers, administrator, chance):
    there = {c["name"] for c in connection.call("collection.list", {})["collections"]}
    for name, snapshot in list(administrator.attempted.items()):
        if name in there:
            administrator.restored[name] = administrator.snapshots[snapshot]
        del administrator.attempted[name]
    for name in [name for name in administrator.dropping if name in administrator.restored]:
        if name not in there:
            del administrator.restored[name]
    assert there == {COLLECTION} | set(administrator.restored), f"{there}, {set(administrator.restored)}"
    for name, (_, points) in administrator.restored.items():
        # Waits while the collection is being opened.
        found = connection.call("point.count", {"collection": name})["count"]
        assert found == points, f"{name} has {found} points in place of {points}"
    if not administrator.restored:
        return
    name = chance.choice(sorted(administrator.restored))
    lsn, points = administrator.restored[name]
    found = content(connection, name)
    assert len(found) == points, f"{name} gives {len(found)} points in place of {points}"
    for writer in writers:
        for i in writer.ids:
            expected = writer.at(i, lsn)
            got = found[i][1] if i in found else None
            assert expected is ... or expected == got, f"{name}, point {i}: {got} in place of {expected}"


def check_snapshots(connection, administrator, chance):
    listed = {s["snapshot"]: (s["lsn"], s["points"]) for s in connection.call("snapshot.list", {})["snapshots"]}
    for name in [name for name in administrator.dropping if name in administrator.snapshots]:
        if name not in listed:
            del administrator.snapshots[name]
    administrator.dropping.clear()
    for name, known in administrator.snapshots.items():
        assert listed.get(name) == known, f"snapshot {name}: {listed.get(name)} in place of {known}"
    # One that was not answered may be there, and then is whole.
    administrator.snapshots = listed
    if listed:
        name = chance.choice(sorted(listed))
        assert connection.call("snapshot.verify", {"snapshot": name})["ok"]


def load_and_kill(process, address, writers, administrator, chance, goal):
    """Loads the server from all sides and kills it. Answers what the administrator was waiting for."""
    failures, threads, reached = [], [], threading.Event()

    def begin(body, *arguments):
        connection = Connection(address)
        own = random.Random(chance.random())

        def run():
            try:
                body(connection, own, *arguments)
            except Exception as error:  # pylint: disable=broad-except
                failures.append(f"{type(error).__name__}: {error}")

        threads.append(threading.Thread(target=run))

    for writer in writers:
        begin(writer.run)
    begin(search_on, failures)
    begin(administrator.run, goal, reached)
    for thread in threads:
        thread.start()
    time.sleep(chance.uniform(0.1, 1.2))
    if goal:
        reached.clear()
        reached.wait(3)
        time.sleep(chance.expovariate(1 / 0.03))
    in_flight = administrator.in_flight
    process.send_signal(signal.SIGKILL)
    process.wait()
    for thread in threads:
        thread.join()
    administrator.in_flight = None
    if failures:
        raise AssertionError(failures)
    return in_flight


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--directory", help="kept; a temporary one otherwise")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as scratch:
        run(options, chance, options.directory or f"{scratch}/data", f"{scratch}/config.toml")


def run(options, chance, directory, config):
    with open(config, "w", encoding="utf-8") as file:
        file.write(SETTINGS)
    numbers = iter(range(1, 1 << 40))
    writers = [Writer(index, numbers) for index in range(WRITERS)]
    administrator = Administrator()
    began, taken, killed_in, greeting = time.monotonic(), 0, collections.Counter(), []
    process, address = start(options.program, directory, config)
    try:
        Connection(address).call("collection.create", {"name": COLLECTION, "vectors": {"size": SIZE}})
        for cycle in range(options.cycles):
            goal = ADMINISTRATION[cycle // 2 % len(ADMINISTRATION)] if cycle % 2 else None
            killed_in[load_and_kill(process, address, writers, administrator, chance, goal)] += 1
            start_of_start = time.monotonic()
            process, address = start(options.program, directory, config)
            greeting.append(time.monotonic() - start_of_start)
            try:
                taken += check(Connection(address), writers, administrator, chance)
            except AssertionError as error:
                raise AssertionError(f"cycle {cycle + 1}, seed {options.seed}: {error}") from error
            if (cycle + 1) % 10 == 0:
                print(f"{cycle + 1} cycles, {time.monotonic() - began:.0f} s", flush=True)
        connection = Connection(address)
        for name in administrator.snapshots:
            assert connection.call("snapshot.verify", {"snapshot": name})["ok"]
        health = connection.call("collection.get", {"collection": COLLECTION})
        process.terminate()
        assert process.wait(30) == 0, "the server did not end in an orderly way"
    finally:
        process.kill()
    print(f"""
{options.cycles} cycles in {time.monotonic() - began:.0f} s, seed {options.seed}: nothing acknowledged was lost, nothing deleted came back
writes acknowledged: {sum(w.acknowledged for w in writers):,}; happened without an answer: {taken:,}
administration done: {dict(administrator.counts)}
killed while it was waiting for: {dict(killed_in)}
started within {max(greeting):.2f} s; {health['points']:,} points in {len(health['segments'])} segments, lsn {health['lsn']:,}""")


if __name__ == "__main__":
    main()
