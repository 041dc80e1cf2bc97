"""hnswlib: the reference graph. M 16 and efC 128 are what we are compared with, efC 200 is its README's."""

import time
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from peers import WIDTHS, Metric, Peer, Setting, Vectors


class Hnswlib(Peer):
    package = "hnswlib"

    def __init__(self, ef_construction: int) -> None:
        self.ef_construction = ef_construction
        self.index: Any = None

    def build(self, base: Vectors, metric: Metric, threads: int) -> float:
        import hnswlib

        # Unit vectors and "ip" are its "cosine" less the normalising of every query.
        space = {"cosine": "ip", "dot": "ip", "euclid": "l2"}[metric]
        started = time.perf_counter()
        self.index = hnswlib.Index(space=space, dim=base.shape[1])
        self.index.init_index(len(base), M=16, ef_construction=self.ef_construction, random_seed=1)
        self.index.add_items(base, num_threads=threads)
        return time.perf_counter() - started

    def settings(self) -> Sequence[Setting]:
        return WIDTHS

    def prepare(self, setting: Setting) -> None:
        self.index.set_ef(setting)
        self.index.set_num_threads(1)

    def search(self, query: Vectors, k: int, setting: Setting) -> Any:
        return self.index.knn_query(query, k, num_threads=1)

    def ids(self, answer: Any) -> Sequence[int]:
        return answer[0][0]

    def search_batch(self, queries: Vectors, k: int, setting: Setting) -> NDArray[Any]:
        return self.index.knn_query(queries, k, num_threads=1)[0]


VARIANTS = {"hnswlib M16 efC128": lambda: Hnswlib(128), "hnswlib M16 efC200": lambda: Hnswlib(200)}
