#!/usr/bin/env python3
"""What hybrid search finds through `point.search`: MRR and recall@10 of vectors, of words, and of both.

    served.py NEEDLETAILD packages.jsonl.gz packages-minilm-f16.npy [queries.jsonl] [--key text] [--index JSON]

Starts a server of its own on a free loopback port with a temporary directory and its built-in model, stores every package
with its vector of the file (row i is line i), builds a text index on the key, and asks the queries as texts, which the
server's model embeds. Searches are exact, so that the figures are those of the ranking. Needs: pip install numpy
"""

import argparse
import gzip
import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Server"))
from churn import Server  # noqa: E402
from protocol import Connection, batches, encode  # noqa: E402

COLLECTION = "packages"
MODEL = "all-MiniLM-L6-v2"
QUERIES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "queries.jsonl")
K = 10
WAYS = {
    "vectors": None,
    "BM25": {"method": "weighted", "vector": 0, "text": 1},
    "hybrid, rrf": {"method": "rrf"},
    "hybrid, weighted 0.7/0.3": {"method": "weighted", "vector": 0.7, "text": 0.3},
    "hybrid, weighted 0.5/0.5": {"method": "weighted", "vector": 0.5, "text": 0.5},
    "hybrid, weighted 0.3/0.7": {"method": "weighted", "vector": 0.3, "text": 0.7},
}


def fill(connection, packages, vectors, key, index):
    connection.call("collection.create", {"name": COLLECTION, "vectors": {"model": MODEL}})
    stored = (
        {"id": row, "vector": encode(vectors[row]), "payload": {key: package[key]}}
        for row, package in enumerate(packages))
    calls = (("point.upsert", {"collection": COLLECTION, "points": batch}) for batch in batches(stored))
    for _ in connection.pipeline(calls):
        pass
    connection.call("index.create", {"collection": COLLECTION, "key": key, "type": "text", **index})
    connection.call("collection.optimize", {"collection": COLLECTION, "wait": True})


def search(connection, query, fusion, key):
    request = {
        "collection": COLLECTION, "text": query, "limit": K, "with_payload": False, "params": {"exact": True}}
    if fusion:
        request |= {"keys": [key], "fusion": fusion}
    return [point["id"] for point in connection.call("point.search", request)["points"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("needletaild")
    parser.add_argument("packages")
    parser.add_argument("vectors")
    parser.add_argument("queries", nargs="?", default=QUERIES)
    parser.add_argument("--key", default="text")
    parser.add_argument("--index", type=json.loads, default={}, help="more members of index.create")
    arguments = parser.parse_args()
    with (gzip.open if arguments.packages.endswith(".gz") else open)(arguments.packages, "rt") as file:
        packages = [json.loads(line) for line in file]
    with open(arguments.queries) as file:
        queries = [json.loads(line) for line in file]
    rows = {}
    for row, package in enumerate(packages):
        rows.setdefault(package["name"], row)
    with Server(arguments.needletaild) as server:
        connection = Connection(server.address)
        fill(connection, packages, np.load(arguments.vectors), arguments.key, arguments.index)
        print(f"{len(queries)} queries over {len(packages)} packages\n\n| | MRR | recall@{K} |\n|---|--:|--:|")
        for name, fusion in WAYS.items():
            reciprocal, recall = 0.0, 0.0
            for query in queries:
                found = search(connection, query["query"], fusion, arguments.key)
                expected = {rows[name] for name in query["expected"]}
                places = [place for place, row in enumerate(found) if row in expected]
                reciprocal += 1 / (places[0] + 1) if places else 0
                recall += len(places) / len(expected)
            print(f"| {name} | {reciprocal / len(queries):.3f} | {recall / len(queries):.3f} |", flush=True)


if __name__ == "__main__":
    main()
