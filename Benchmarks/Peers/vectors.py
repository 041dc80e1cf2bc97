"""The data set of a comparison: queries, base and exact answers, as in Benchmarks/Recall."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from peers import Metric, Vectors

HELD_OUT = 1_000
"""The first rows of a file are queries and never in the base."""


@dataclass
class Dataset:
    base: Vectors
    queries: Vectors
    truth: NDArray[np.int64]
    """Row numbers of the nearest, nearest first, a row for each query."""

    def save(self, directory: Path) -> None:
        for name in ("base", "queries", "truth"):
            np.save(directory / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, directory: Path) -> "Dataset":
        return cls(*(np.load(directory / f"{name}.npy") for name in ("base", "queries", "truth")))


def prepare(path: Path, metric: Metric, k: int, queries: int, rows: int | None) -> Dataset:
    """Reads a .npy of float16 or float32. `rows` cuts the base short, for trying things out."""
    vectors = np.load(path).astype(np.float32)
    if metric == "cosine":
        vectors /= np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True).astype(np.float32)
    base = np.ascontiguousarray(vectors[HELD_OUT:][:rows])
    asked = np.ascontiguousarray(vectors[: min(queries, HELD_OUT)])
    return Dataset(base, asked, exact(base, asked, metric, k))


def exact(base: Vectors, queries: Vectors, metric: Metric, k: int) -> NDArray[np.int64]:
    """Scored with float32 in blocks; the best of each query are then ordered with float64. Ties by row."""
    truth = np.empty((len(queries), k), dtype=np.int64)
    squares = (base.astype(np.float64) ** 2).sum(1) if metric == "euclid" else None
    candidates = min(len(base), 8 * k)
    for first in range(0, len(queries), 100):
        block = queries[first : first + 100]
        scores = -(block @ base.T)
        if squares is not None:
            scores = (squares[None, :] + 2 * scores).astype(np.float32)
        likely = np.sort(np.argpartition(scores, candidates - 1, axis=1)[:, :candidates], axis=1)
        for row, rows in enumerate(likely):
            near, query = base[rows].astype(np.float64), block[row].astype(np.float64)
            costs = ((near - query) ** 2).sum(1) if metric == "euclid" else -(near @ query)
            truth[first + row] = rows[np.argsort(costs, kind="stable")[:k]]
    return truth
