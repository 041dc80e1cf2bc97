#!/usr/bin/env python3
"""Kills the server while it imports, again and again, and looks for what was acknowledged: needs NumPy only.

    python3 Benchmarks/Server/kill_while_importing.py NEEDLETAILD packages.jsonl.gz packages-minilm-f16.npy [ROUNDS]

Each round imports real points (base64, batches of 500, pipelined) into a fresh data directory, sends SIGKILL at a
moment drawn from a seed, starts the server again on the same directory, and measures the time until it greets and the
time until an exact search over all acknowledged points is answered. Every acknowledged point must be there bit for bit,
and every batch wholly or not at all.
"""

import gzip
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

from protocol import BATCH, Connection, batches, encode, rows

COLLECTION = "kill"


def start(program, directory):
    process = subprocess.Popen(
        [program, "--data", directory, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True)
    line = process.stdout.readline()
    if not line.startswith("listening on "):
        raise SystemExit(f"the server did not start: {line!r}")
    return process, line.removeprefix("listening on ").strip()


def import_until_killed(address, all_batches, acknowledged):
    """Keeps a window of batches in flight until the connection breaks; fills `acknowledged` with batch numbers."""
    connection = Connection(address)
    waiting = {}
    try:
        for number, batch in enumerate(all_batches):
            waiting[connection.send("point.upsert", {"collection": COLLECTION, "points": batch})] = number
            if len(waiting) >= 8:
                acknowledged.append(waiting.pop(connection.receive()["id"]))
        while waiting:
            acknowledged.append(waiting.pop(connection.receive()["id"]))
    except (OSError, ValueError):
        return


def check(connection, all_batches, acknowledged, vectors):
    present = 0
    for number, batch in enumerate(all_batches):
        result = connection.call("point.get", {
            "collection": COLLECTION, "ids": [p["id"] for p in batch], "with_vector": True, "vector_encoding": "base64"})
        found = len(result["points"])
        assert found in (0, len(batch)), f"batch {number} is there in part: {found} of {len(batch)}"
        assert found or number not in acknowledged, f"batch {number} was acknowledged and is gone"
        for sent, got in zip(batch, result["points"]):
            assert got["vector"] == sent["vector"] and got["payload"] == sent["payload"], f"point {sent['id']} differs"
        present += found
    return present


def main():
    program, texts_path, vectors_path = sys.argv[1:4]
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    vectors = np.load(vectors_path).astype(np.float32)
    texts = gzip.open(texts_path, "rt", encoding="utf-8").read().splitlines()
    all_batches = list(batches(rows(texts, vectors)))
    chance = random.Random(7)
    print("| round | acknowledged | found | greeting (s) | exact search over all (s) |\n|--:|--:|--:|--:|--:|")
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as directory:
            process, address = start(program, directory)
            Connection(address).call("collection.create", {"name": COLLECTION, "vectors": {"size": vectors.shape[1]}})
            acknowledged = []
            importer = threading.Thread(target=import_until_killed, args=(address, all_batches, acknowledged))
            importer.start()
            goal = len(all_batches) if number == rounds - 1 else chance.randrange(5, len(all_batches))
            while len(acknowledged) < goal and importer.is_alive():
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            process.wait()
            importer.join()
            began = time.monotonic()
            process, address = start(program, directory)
            connection = Connection(address)
            greeted = time.monotonic() - began
            search = {"collection": COLLECTION, "vector": encode(vectors[0]), "params": {"exact": True}}
            assert connection.call("point.search", search)["points"][0]["score"] > 0.999
            searched = time.monotonic() - began
            present = check(connection, all_batches, set(acknowledged), vectors)
            lost = len(acknowledged) * BATCH > present + BATCH
            print(f"| {number + 1} | {len(acknowledged)} batches | {present:,} points | {greeted:.2f} | {searched:.2f} |")
            process.terminate()
            assert process.wait(30) == 0 and not lost
    print("\nnothing acknowledged was lost, no batch was there in part")


main()
