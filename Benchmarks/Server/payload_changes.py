#!/usr/bin/env python3
"""What changing the payload of half of the points costs, and what searches notice of it.

payload_changes.py NEEDLETAILD packages.jsonl.gz packages-minilm-f16.npy [--seconds S] [--pause S]
    [--indexes] [--json FILE]

Starts a server of its own on a free loopback port with a temporary directory, imports every row with a number `half`
(0 or 1), and waits until all is indexed. Then one process searches (limit 10, default effort, one search at a time over
its own connection) for S seconds in peace, and for S seconds while another connection sets a key on the points with
`half` 0 again and again, `--pause` seconds (0) after the time before was answered. Prints p50 and p99 of searches in both, how long a
change takes, and whether any segment was made anew (graph work). `--indexes`: with an index on `half`. Needs: pip
install numpy
"""
import argparse
import gzip
import json
import multiprocessing
import time

import numpy as np

from churn import Server
from protocol import Connection, batches, rows

COLLECTION = "changes"
HALF = {"must": [{"key": "half", "match": {"value": 0}}]}


def search(address, queries, seconds, pipe):
    """Latencies in milliseconds of searches, one at a time."""
    connection = Connection(address)
    took = []
    pipe.send("ready")
    pipe.recv()
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        started = time.monotonic()
        connection.call(
            "point.search",
            {"collection": COLLECTION, "vector": queries[number % len(queries)], "limit": 10, "with_payload": False})
        took.append((time.monotonic() - started) * 1000)
        number += 1
    pipe.send(took)


def measure(address, queries, seconds, meanwhile, pause=0):
    """What `meanwhile` returns, called until the time is over, and the latencies."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=search, args=(address, queries, seconds, theirs))
    process.start()
    ours.recv()
    ours.send("go")
    done = []
    while not ours.poll(0 if meanwhile else None):
        done.append(meanwhile())
        time.sleep(pause)
    took = ours.recv()
    process.join()
    return done, took


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("texts")
    parser.add_argument("vectors")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--pause", type=float, default=0)
    parser.add_argument("--indexes", action="store_true")
    parser.add_argument("--json")
    options = parser.parse_args()
    vectors = np.load(options.vectors).astype(np.float32)
    texts = gzip.open(options.texts, "rt", encoding="utf-8").read().splitlines()
    generator = np.random.default_rng(1)
    queries = [vectors[i].tolist() for i in generator.integers(0, len(vectors), 500)]

    with Server(options.binary) as server:
        connection = Connection(server.address)
        connection.call("collection.create", {"name": COLLECTION, "vectors": {"size": int(vectors.shape[1])}})

        def points():
            for index, point in enumerate(rows(texts, vectors)):
                point["payload"]["half"] = index % 2
                yield point

        for _ in connection.pipeline(
            ("point.upsert", {"collection": COLLECTION, "points": batch}) for batch in batches(points())
        ):
            pass
        if options.indexes:
            connection.call("index.create", {"collection": COLLECTION, "key": "half", "type": "integer"})
        connection.call("collection.optimize", {"collection": COLLECTION, "wait": True})
        before = connection.call("collection.get", {"collection": COLLECTION})

        number = 0

        def change():
            nonlocal number
            number += 1
            started = time.monotonic()
            result = connection.call(
                "point.set_payload", {"collection": COLLECTION, "filter": HALF, "payload": {"round": number}})
            assert result["changed"] == (len(texts) + 1) // 2, result
            return (time.monotonic() - started) * 1000

        measure(server.address, queries, 2, None)
        _, peace = measure(server.address, queries, options.seconds, None)
        first = change()
        _, after_one = measure(server.address, queries, options.seconds, None)
        changes, meanwhile = measure(server.address, queries, options.seconds, change, options.pause)
        after = connection.call("collection.get", {"collection": COLLECTION})
        counted = connection.call(
            "point.count",
            {"collection": COLLECTION, "filter": {"must": [{"key": "round", "match": {"value": number}}]}})["count"]

    def segments(description):
        return [(s["id"], s["state"], s["rows"]) for s in description["segments"] if s["rows"]]

    figures = {
        "points": len(texts),
        "changed": (len(texts) + 1) // 2,
        "first_change_ms": first,
        "change_ms": float(np.median(changes)),
        "changes": len(changes) + 1,
        "counted": counted,
        "same_segments": segments(before) == segments(after),
        "indexed_points": after["indexed_points"],
    }
    for name, took in (("alone", peace), ("after_one", after_one), ("meanwhile", meanwhile)):
        figures[name] = {
            "searches": len(took), "p50_ms": float(np.percentile(took, 50)), "p99_ms": float(np.percentile(took, 99))}
    figures["p99_ratio"] = figures["meanwhile"]["p99_ms"] / figures["alone"]["p99_ms"]
    text = json.dumps(figures, indent=1)
    print(text)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
