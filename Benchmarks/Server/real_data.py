#!/usr/bin/env python3
"""Real texts with vectors through the wire and back, against a running server: needs NumPy only.

    python3 Benchmarks/Server/real_data.py HOST:PORT packages.jsonl.gz packages-minilm-f16.npy [--check-only]

Imports every row (base64, batches of 500, pipelined), reads all of them back bit for bit, measures recall@10 of default
searches against NumPy's exact answer, and prints what it found as a table. It speaks the protocol itself, on purpose: it
shares no code with the server or the Swift client. `--check-only` skips the import: after a restart.
"""

import base64
import gzip
import json
import sys
import time

import numpy as np

from protocol import BATCH, Connection, batches, encode, rows

COLLECTION = "real_data"


def measure_recall(connection, name, unit, ids, queries):
    """Default searches against NumPy's exact answer; a row given with a query does not count."""
    found, graph, took = 0, 0, []
    for query, left_out, target in queries:
        scores = unit @ query
        if left_out is not None:
            scores[left_out] = -2
        exact = set(ids[np.argpartition(-scores, 10)[:10]].tolist())
        started = time.monotonic()
        result = connection.call("point.search", {"collection": COLLECTION, "with_payload": False, **target})
        took.append(time.monotonic() - started)
        found += len(exact & {p["id"] for p in result["points"]})
        graph += result["strategy"] == "graph"
    print(f"| {name}: recall@10, default settings, {len(took):,} queries | {found / len(took) / 10:.4f} |")
    print(f"| {name}: answered by graph | {graph} of {len(took):,} |")
    print(f"| {name}: p50 of a search, one at a time (ms) | {sorted(took)[len(took) // 2] * 1000:.2f} |")


def main():
    address, texts_path, vectors_path = [a for a in sys.argv[1:] if not a.startswith("--")]
    vectors = np.load(vectors_path).astype(np.float32)
    texts = gzip.open(texts_path, "rt", encoding="utf-8").read().splitlines()
    payloads = [json.loads(line) for line in texts]
    connection = Connection(address)
    print("| what | figure |\n|---|--:|")

    if "--check-only" not in sys.argv:
        names = [c["name"] for c in connection.call("collection.list", {})["collections"]]
        if COLLECTION in names:
            connection.call("collection.delete", {"collection": COLLECTION})
        size = int(vectors.shape[1])
        connection.call("collection.create", {"name": COLLECTION, "vectors": {"size": size}})
        started = time.monotonic()
        calls = (("point.upsert", {"collection": COLLECTION, "points": b}) for b in batches(rows(texts, vectors)))
        created = sum(result["created"] for result in connection.pipeline(calls))
        seconds = time.monotonic() - started
        assert created == len(texts), created
        print(f"| points acknowledged (fsync) | {created:,} |")
        print(f"| points/s acknowledged | {created / seconds:,.0f} |")
        started = time.monotonic()
        connection.call("collection.optimize", {"collection": COLLECTION, "wait": True})
        print(f"| seconds until all is indexed and merged | {time.monotonic() - started:.1f} |")

    different = 0
    gets = (
        ("point.get", {
            "collection": COLLECTION, "ids": [p["id"] for p in payloads[start:start + BATCH]], "with_vector": True,
            "vector_encoding": "base64"})
        for start in range(0, len(payloads), BATCH))
    position = 0
    for result in connection.pipeline(gets):
        assert not result["missing"], result["missing"][:5]
        for point in result["points"]:
            stored = base64.b64decode(point["vector"])
            same = stored == vectors[position].astype("<f4").tobytes() and point["payload"] == payloads[position]
            different += 0 if same else 1
            position += 1
    assert position == len(payloads), position
    print(f"| points read back, that differ | {position:,}, {different} |")

    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = np.array([p["id"] for p in payloads])
    generator = np.random.default_rng(1)
    chosen = generator.choice(len(vectors), 1000, replace=False)

    # Real vectors as queries: the neighbours of a stored point, without the point itself.
    measure_recall(connection, "stored points", unit, ids, (
        (unit[row], row, {"point_id": int(ids[row])}) for row in chosen))
    # Queries near the data but not in it: a stored vector moved by a fifth of its length.
    noise = generator.standard_normal((1000, vectors.shape[1])).astype(np.float32)
    queries = vectors[chosen] + 0.2 * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    measure_recall(connection, "moved points", unit, ids, (
        (query / np.linalg.norm(query), None, {"vector": encode(query)}) for query in queries))
    if different:
        raise SystemExit(1)


main()
