"""Filters of known selectivity over real vectors, and what they should find.

Each stored point gets integers in its payload: `random`, its place in a random order, and for each of a few anchors
`near0`, `near1`, …, its place in the order of likeness to that anchor (a stored vector). So
- a window of `random` has nothing to do with a query ("random");
- the first places of `near0` lie around a query that is like anchor 0 ("correlated");
- and all far from a query that is not like it at all ("anti-correlated").
"""

from dataclasses import dataclass

import numpy as np

SHARES = (0.5, 0.1, 0.01, 0.001, 0.0001)
KINDS = ("random", "correlated", "anti-correlated")
ANCHORS = 8
K = 10
HELD_OUT = 1_000


@dataclass
class Case:
    """One filter, `low` ≤ `key` < `high`, for one query; `truth` are the ids to be found, nearest first."""

    query: np.ndarray
    key: str
    low: int
    high: int
    truth: list


class Points:
    """Unit vectors, the first rows of the file held out as queries, and the keys of the stored ones (row = id)."""

    def __init__(self, path, rows=None, seed=1):
        vectors = np.load(path).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        self.queries, self.base = vectors[:HELD_OUT], np.ascontiguousarray(vectors[HELD_OUT:][:rows])
        self.random = np.random.default_rng(seed)
        self.keys = {"random": self.random.permutation(len(self.base))}
        self.anchors = self.base[self.random.choice(len(self.base), ANCHORS, replace=False)]
        for number, anchor in enumerate(self.anchors):
            places = np.empty(len(self.base), np.int64)
            places[np.argsort(-(self.base @ anchor), kind="stable")] = np.arange(len(self.base))
            self.keys[f"near{number}"] = places

    def payload(self, row):
        return {key: int(places[row]) for key, places in self.keys.items()}

    def case(self, query, key, low, count):
        rows = np.nonzero((self.keys[key] >= low) & (self.keys[key] < low + count))[0]
        likeness = self.base[rows].astype(np.float64) @ self.queries[query].astype(np.float64)
        order = np.argsort(-likeness, kind="stable")[:K]
        return Case(self.queries[query], key, low, low + count, rows[order].tolist())

    def cases(self, kind, share, number):
        """So many filters of one kind and selectivity, each with a query of its own."""
        count = max(1, int(len(self.base) * share))
        if kind == "random":
            queries = self.random.choice(HELD_OUT, number, replace=False)
            lows = self.random.integers(0, len(self.base) - count + 1, number)
            return [self.case(q, "random", int(low), count) for q, low in zip(queries, lows)]
        cases = []
        each = -(-number // ANCHORS)
        for anchor, vector in enumerate(self.anchors):
            order = np.argsort(self.queries @ vector)
            chosen = order[-each:] if kind == "correlated" else order[:each]
            cases += [self.case(query, f"near{anchor}", 0, count) for query in chosen]
        return cases[:number]

    def unfiltered(self, number):
        queries = self.random.choice(HELD_OUT, number, replace=False)
        return [self.case(query, "random", 0, len(self.base)) for query in queries]
