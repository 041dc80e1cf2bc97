#!/usr/bin/env python3
"""What moving a collection to another model costs, and what searches notice of it.

reembed.py NEEDLETAILD packages.jsonl.gz packages-minilm-f16.npy [--model DIR] [--points N] [--idle-seconds S] [--json FILE]

Starts a server of its own on a free loopback port with a temporary directory and two models: the one in DIR, and a copy of it
that takes the vector of [CLS] in place of the mean, which is another model for the server. Imports N points (60,000) with
text and vector, waits until all is indexed, and searches by stored vectors for S seconds in peace (one search at a time, limit 10).
Then the collection is re-embedded while the same searches go on, until it is ready. Prints p50 and p99 of both, texts per second, and
how many searches did not find the very point whose vector they brought, which a space of mixed vectors would show; then it cuts over, and
asks by text: each answer's best point must be the one with that text, with a score of 1. Needs: pip install numpy
"""
import argparse
import gzip
import json
import multiprocessing
import os
import shutil
import tempfile
import time

import numpy as np

from churn import Server
from protocol import Connection, batches, rows

COLLECTION = "moving"


def search(address, queries, pipe):
    """Latencies in milliseconds of searches one after the other until somebody says stop, and how many missed their point."""
    connection = Connection(address)
    took, missed, number = [], 0, 0
    pipe.send("ready")
    pipe.recv()
    while not pipe.poll(0):
        point, vector = queries[number % len(queries)]
        started = time.monotonic()
        answer = connection.call(
            "point.search", {"collection": COLLECTION, "vector": vector, "limit": 10, "with_payload": False})
        took.append((time.monotonic() - started) * 1000)
        # Texts that occur twice have the same vector: the best score is 1, whoever has it.
        if answer["points"][0]["score"] < 0.999:
            missed += 1
        number += 1
    pipe.send((took, missed))


def searching(address, queries, meanwhile):
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=search, args=(address, queries, theirs))
    process.start()
    ours.recv()
    ours.send("go")
    result = meanwhile()
    ours.send("stop")
    took, missed = ours.recv()
    process.join()
    return result, took, missed


def second_model(directory, parent):
    """The same weights with another pooling."""
    copy = os.path.join(parent, "cls-model")
    shutil.copytree(directory, copy)
    path = os.path.join(copy, "1_Pooling", "config.json")
    with open(path, encoding="utf-8") as file:
        pooling = json.load(file)
    pooling["pooling_mode_mean_tokens"], pooling["pooling_mode_cls_token"] = False, True
    with open(path, "w", encoding="utf-8") as file:
        json.dump(pooling, file)
    return copy


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("texts")
    parser.add_argument("vectors")
    parser.add_argument(
        "--model", default=os.environ.get("NEEDLETAIL_MODEL")
        or os.path.expanduser("~/.cache/needletail/models/all-MiniLM-L6-v2"))
    parser.add_argument("--points", type=int, default=60_000)
    parser.add_argument("--idle-seconds", type=float, default=10)
    parser.add_argument("--json")
    options = parser.parse_args()
    vectors = np.load(options.vectors).astype(np.float32)[: options.points]
    texts = gzip.open(options.texts, "rt", encoding="utf-8").read().splitlines()[: options.points]
    generator = np.random.default_rng(1)
    chosen = [int(i) for i in generator.integers(0, len(vectors), 500)]
    queries = [(json.loads(texts[i])["id"], vectors[i].tolist()) for i in chosen]
    scratch = tempfile.mkdtemp(prefix="needletail-reembed-")
    os.environ["NEEDLETAIL_MODEL_DIRECTORY"] = options.model
    os.environ["NEEDLETAIL_MODEL_MORE"] = second_model(options.model, scratch)
    try:
        with Server(options.binary) as server:
            figures = measure(server.address, texts, vectors, queries, options)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    text = json.dumps(figures, indent=1)
    print(text)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            file.write(text + "\n")


def measure(address, texts, vectors, queries, options):
    connection = Connection(address)
    name = os.path.basename(options.model.rstrip("/"))
    connection.call("collection.create", {"name": COLLECTION, "vectors": {"model": name}})

    def points():
        for point in rows(texts, vectors):
            point["text"] = point["payload"].pop("text")
            yield point

    for _ in connection.pipeline(
        ("point.upsert", {"collection": COLLECTION, "points": batch}) for batch in batches(points())
    ):
        pass
    connection.call("collection.optimize", {"collection": COLLECTION, "wait": True})
    searching(address, queries, lambda: time.sleep(2))
    _, alone, missed_alone = searching(address, queries, lambda: time.sleep(options.idle_seconds))

    def reembed():
        started = time.monotonic()
        connection.call("reembed.start", {"collection": COLLECTION, "model": "cls-model"})
        while (status := connection.call("reembed.status", {"collection": COLLECTION}))["state"] == "embedding":
            time.sleep(1)
        return time.monotonic() - started, status

    (seconds, status), meanwhile, missed = searching(address, queries, reembed)
    started = time.monotonic()
    connection.call("reembed.cutover", {"collection": COLLECTION})
    cutover_ms = (time.monotonic() - started) * 1000
    wrong = 0
    for number, _ in queries[:100]:
        stored = connection.call("point.get", {"collection": COLLECTION, "ids": [number]})["points"][0]
        answer = connection.call(
            "point.search", {"collection": COLLECTION, "text": stored["payload"]["text"], "limit": 1})
        wrong += answer["points"][0]["score"] < 0.999
    figures = {
        "points": len(texts), "seconds": seconds, "texts_per_second": status["embedded"] / seconds,
        "missed": missed_alone + missed, "wrong_after_cutover": wrong, "cutover_ms": cutover_ms}
    for key, took in (("alone", alone), ("meanwhile", meanwhile)):
        figures[key] = {
            "searches": len(took), "p50_ms": float(np.percentile(took, 50)), "p99_ms": float(np.percentile(took, 99))}
    figures["p99_ratio"] = figures["meanwhile"]["p99_ms"] / figures["alone"]["p99_ms"]
    return figures


if __name__ == "__main__":
    main()
