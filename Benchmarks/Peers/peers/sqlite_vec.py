"""sqlite-vec: exact search in a vec0 table, in memory; it has no graph.

Through apsw, since many builds of Python have a sqlite3 that loads no extensions.
"""

import time
from collections.abc import Sequence
from typing import Any

from peers import Metric, Peer, Setting, Vectors


class SQLiteVec(Peer):
    package = "sqlite-vec"
    most_queries = 50

    def build(self, base: Vectors, metric: Metric, threads: int) -> float:
        import apsw
        import sqlite_vec

        if metric == "dot":
            raise RuntimeError("sqlite-vec has no inner product")
        measure = {"cosine": "cosine", "euclid": "l2"}[metric]
        started = time.perf_counter()
        self.connection = apsw.Connection(":memory:")
        self.connection.enable_load_extension(True)
        self.connection.load_extension(sqlite_vec.loadable_path())
        self.connection.execute(
            f"create virtual table t using vec0(v float[{base.shape[1]}] distance_metric={measure})"
        )
        rows = ((i, row.tobytes()) for i, row in enumerate(base))
        with self.connection:
            self.connection.executemany("insert into t(rowid, v) values (?, ?)", rows)
        return time.perf_counter() - started

    def settings(self) -> Sequence[Setting]:
        return (0,)

    def encode(self, query: Vectors) -> bytes:
        return query.tobytes()

    def search(self, query: bytes, k: int, setting: Setting) -> Any:
        statement = "select rowid from t where v match ? and k = ? order by distance"
        return self.connection.execute(statement, (query, k)).fetchall()

    def ids(self, answer: Any) -> Sequence[int]:
        return [row[0] for row in answer]


VARIANTS = {"sqlite-vec exact": SQLiteVec}
