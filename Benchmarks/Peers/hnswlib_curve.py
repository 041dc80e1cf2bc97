"""hnswlib on the vectors and queries of recall-benchmark.

hnswlib_curve.py PATH [METRIC [M [EFC [EF,EF,... [INDEX]]]]]

The first 1,000 rows are the queries and are not in the graph; everything runs on one thread, and searches
are timed by its processor time. INDEX names a file where the built graph is kept for the next run.
Needs: pip install hnswlib numpy
"""
import os
import sys
import time

import hnswlib
import numpy as np

arguments = sys.argv[1:] + [None] * 6
path = arguments[0]
metric = arguments[1] or "cosine"
m = int(arguments[2] or 16)
ef_construction = int(arguments[3] or 128)
widths = [int(w) for w in (arguments[4] or "16,32,48,64,96,128,256").split(",")]
index_path = arguments[5]

if path.endswith(".fbin"):
    rows, columns = np.fromfile(path, dtype="<u4", count=2)
    vectors = np.fromfile(path, dtype="<f4", offset=8).reshape(rows, columns)
else:
    vectors = np.load(path).astype("<f4")
queries, base = np.ascontiguousarray(vectors[:1000]), np.ascontiguousarray(vectors[1000:])

if metric == "cosine":
    a = queries.astype("f8") / np.linalg.norm(queries.astype("f8"), axis=1, keepdims=True)
    b = base.astype("f8") / np.linalg.norm(base.astype("f8"), axis=1, keepdims=True)
    scores = -(a @ b.T)
elif metric == "dot":
    scores = -(queries.astype("f8") @ base.astype("f8").T)
else:
    scores = (base.astype("f8") ** 2).sum(1)[None, :] - 2 * queries.astype("f8") @ base.astype("f8").T
truth = np.argsort(scores, axis=1, kind="stable")[:, :10]

index = hnswlib.Index(space={"cosine": "cosine", "dot": "ip", "euclid": "l2"}[metric], dim=base.shape[1])
if index_path and os.path.exists(index_path):
    index.load_index(index_path)
    built = "loaded"
else:
    index.init_index(max_elements=len(base), M=m, ef_construction=ef_construction, random_seed=1)
    start = time.perf_counter()
    index.add_items(base, num_threads=1)
    built = f"built in {time.perf_counter() - start:.1f} s"
    if index_path:
        index.save_index(index_path)

print(f"hnswlib, {len(base)} x {base.shape[1]}, {metric}, M {m}, efC {ef_construction}, 1 thread: {built}\n")
print("| ef | recall@10 | searches/s | µs |\n|--:|--:|--:|--:|")
for width in widths:
    index.set_ef(width)
    best = float("inf")
    for _ in range(5):
        start = time.thread_time()
        found, _ = index.knn_query(queries, k=10, num_threads=1)
        best = min(best, (time.thread_time() - start) / len(queries))
    recall = np.mean([len(set(f) & set(t)) for f, t in zip(found.tolist(), truth.tolist())]) / 10
    print(f"| {width} | {recall:.4f} | {1 / best:.0f} | {best * 1e6:.0f} |", flush=True)
