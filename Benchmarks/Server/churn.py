#!/usr/bin/env python3
"""What a collection is worth after a hard life: every point replaced twice, 30 % deleted, settled; against one
that was filled with the same points at once.

churn.py NEEDLETAILD FILE.npy [--rows N] [--seed S] [--json FILE]

Starts a server of its own on a free loopback port with a temporary directory. The first 1,000 rows of the file are
the queries. Searches go one at a time, alternating between the two collections, and are timed by the reply's
took_us; searches/s are compared at equal recall@10, interpolated between the efs measured. Prints and writes
{"searches_over_fresh": {recall: ratio}, "disk_over_fresh": ratio}. Needs: pip install numpy
"""
import argparse
import json
import math
import subprocess
import tempfile
import time

import numpy as np

from protocol import Connection, batches, encode

QUERIES = 1000
K = 10
EFS = (16, 24, 32, 48, 64, 96, 128, 192, 256)
TARGETS = (0.95, 0.98, 0.99)


class Server:
    def __init__(self, binary):
        self.directory = tempfile.TemporaryDirectory(prefix="needletail-churn-")
        self.process = subprocess.Popen(
            [binary, "--data", self.directory.name, "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = next(line for line in self.process.stdout if line.startswith("listening on "))
        self.address = line.split()[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.directory.cleanup()


def upsert(connection, collection, ids, vectors):
    points = ({"id": int(i), "vector": encode(vectors[i])} for i in ids)
    calls = (("point.upsert", {"collection": collection, "points": batch}) for batch in batches(points))
    for _ in connection.pipeline(calls):
        pass


def settle(connection, collection):
    started = time.monotonic()
    connection.call("collection.optimize", {"collection": collection, "wait": True})
    return time.monotonic() - started


def fill(connection, base, alive, seed):
    """`fresh` has the points that are alive at the end; `churned` came there the long way."""
    random = np.random.default_rng(seed)
    every = np.arange(len(base))
    for name in ("fresh", "churned"):
        space = {"size": base.shape[1]}
        connection.call("collection.create", {"name": name, "vectors": space})
    upsert(connection, "fresh", alive, base)
    for _ in range(2):
        upsert(connection, "churned", random.permutation(every), base[random.permutation(every)])
    upsert(connection, "churned", random.permutation(every), base)
    dead = np.setdiff1d(every, alive)
    for start in range(0, len(dead), 500):
        ids = [int(i) for i in dead[start:start + 500]]
        connection.call("point.delete", {"collection": "churned", "ids": ids})
    return {name: settle(connection, name) for name in ("fresh", "churned")}


def truth(base, alive, queries):
    unit = base[alive] / np.linalg.norm(base[alive], axis=1, keepdims=True)
    scores = (queries / np.linalg.norm(queries, axis=1, keepdims=True)) @ unit.T
    return [set(alive[row].tolist()) for row in np.argpartition(-scores, K, axis=1)[:, :K]]


def measure(connection, queries, expected):
    """For each collection a list of (recall, microseconds), by ef."""
    curves = {"fresh": [], "churned": []}
    for ef in EFS:
        took = {name: [] for name in curves}
        hits = {name: 0 for name in curves}
        for query, truth_ids in zip(queries, expected):
            for name in curves:
                reply = connection.call("point.search", {
                    "collection": name, "vector": encode(query), "limit": K, "with_payload": False, "params": {"ef": ef}})
                took[name].append(reply["took_us"])
                hits[name] += len(truth_ids & {hit["id"] for hit in reply["points"]})
        for name, curve in curves.items():
            curve.append((hits[name] / K / len(queries), float(np.median(took[name]))))
    return curves


def at(curve, target):
    """Microseconds at a recall: interpolated in the logarithm, None beyond the curve."""
    for (low, fast), (high, slow) in zip(curve, curve[1:]):
        if low <= target <= high and high > low:
            share = (target - low) / (high - low)
            return math.exp((1 - share) * math.log(fast) + share * math.log(slow))
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("file")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    vectors = np.load(arguments.file).astype(np.float32)
    queries, base = vectors[:QUERIES], vectors[QUERIES:][:arguments.rows]
    alive = np.sort(np.random.default_rng(arguments.seed).permutation(len(base))[:int(0.7 * len(base))])
    with Server(arguments.binary) as server:
        connection = Connection(server.address)
        seconds = fill(connection, base, alive, arguments.seed + 1)
        disk = {name: connection.call("collection.get", {"collection": name})["bytes_on_disk"] for name in seconds}
        curves = measure(connection, queries, truth(base, alive, queries))
    ratios = {}
    for target in TARGETS:
        fresh, churned = at(curves["fresh"], target), at(curves["churned"], target)
        ratios[str(target)] = fresh / churned if fresh and churned else None
    result = {
        "rows": len(base), "settled_seconds": seconds, "bytes_on_disk": disk, "curves": curves,
        "searches_over_fresh": ratios, "disk_over_fresh": disk["churned"] / disk["fresh"]}
    print(json.dumps({key: value for key, value in result.items() if key != "curves"}, indent=1))
    for name, curve in curves.items():
        print(name, " ".join(f"ef {ef}: {recall:.4f} {us:.0f} µs;" for ef, (recall, us) in zip(EFS, curve)))
    if arguments.json:
        with open(arguments.json, "w") as out:
            json.dump(result, out, indent=1)


if __name__ == "__main__":
    main()
