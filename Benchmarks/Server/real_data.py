#!/usr/bin/env python3
"""Real texts with vectors through the wire and back, against a running server: needs NumPy only.

    python3 Benchmarks/Server/real_data.py HOST:PORT packages.jsonl.gz packages-minilm-f16.npy [--keep] [--check-only]

Imports every row (base64, batches of 500, pipelined), reads all of them back bit for bit, measures recall@10 of default
searches against NumPy's exact answer, and prints what it found as a table. It speaks the protocol itself, on purpose: it
shares no code with the server or the Swift client. `--check-only` skips the import: after a restart.
"""

import base64
import gzip
import json
import socket
import sys
import time

import numpy as np

COLLECTION = "real_data"
BATCH = 500
WINDOW = 16


class Connection:
    def __init__(self, address):
        host, port = address.removeprefix("needletail://").rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", buffering=1 << 20)
        self.hello = json.loads(self.file.readline())
        self.next_id = 0

    def send(self, method, params):
        self.next_id += 1
        line = json.dumps({"id": self.next_id, "method": method, "params": params}, separators=(",", ":"))
        self.socket.sendall(line.encode() + b"\n")
        return self.next_id

    def receive(self):
        while True:
            reply = json.loads(self.file.readline())
            if "id" in reply:
                if "error" in reply:
                    raise SystemExit(f"refused: {reply['error']}")
                return reply

    def call(self, method, params):
        self.send(method, params)
        return self.receive()["result"]

    def pipeline(self, calls):
        """Yields the results of (method, params) pairs in the order of the calls, WINDOW of them in flight."""
        waiting, results, position = {}, {}, 0
        for number, (method, params) in enumerate(calls):
            waiting[self.send(method, params)] = number
            if len(waiting) >= WINDOW:
                reply = self.receive()
                results[waiting.pop(reply["id"])] = reply["result"]
            while position in results:
                yield results.pop(position)
                position += 1
        while waiting:
            reply = self.receive()
            results[waiting.pop(reply["id"])] = reply["result"]
        while position in results:
            yield results.pop(position)
            position += 1


def encode(vector):
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def rows(texts, vectors):
    for index, line in enumerate(texts):
        payload = json.loads(line)
        yield {"id": payload["id"], "vector": encode(vectors[index]), "payload": payload}


def batches(points):
    batch = []
    for point in points:
        batch.append(point)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


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

    generator = np.random.default_rng(1)
    chosen = generator.choice(len(vectors), 1000, replace=False)
    # Queries near the data but not in it: a stored vector moved by a fifth of its length.
    noise = generator.standard_normal((1000, vectors.shape[1])).astype(np.float32)
    queries = vectors[chosen] + 0.2 * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found, graph, took = 0, 0, []
    for query in queries:
        scores = unit @ (query / np.linalg.norm(query))
        exact = {payloads[i]["id"] for i in np.argpartition(-scores, 10)[:10]}
        started = time.monotonic()
        result = connection.call(
            "point.search", {"collection": COLLECTION, "vector": encode(query), "with_payload": False})
        took.append(time.monotonic() - started)
        found += len(exact & {p["id"] for p in result["points"]})
        graph += result["strategy"] == "graph"
    print(f"| recall@10, default settings, 1,000 queries | {found / 10_000:.4f} |")
    print(f"| answered by graph | {graph} of 1,000 |")
    print(f"| p50 of a search, one at a time (ms) | {sorted(took)[500] * 1000:.2f} |")
    if different:
        raise SystemExit(1)


main()
