"""usearch: HNSW over floats and over int8 codes (not rescored), M 16 and efC 128: its defaults."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peers import WIDTHS, Metric, Peer, Setting, Vectors


class USearch(Peer):
    package = "usearch"

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.index: Any = None

    def build(self, base: Vectors, metric: Metric, threads: int) -> float:
        from usearch.index import Index

        name = {"cosine": "cos", "dot": "ip", "euclid": "l2sq"}[metric]
        started = time.perf_counter()
        self.index = Index(
            ndim=base.shape[1], metric=name, dtype=self.dtype, connectivity=16, expansion_add=128
        )
        self.index.add(np.arange(len(base)), base, threads=threads)
        return time.perf_counter() - started

    def settings(self) -> Sequence[Setting]:
        return WIDTHS

    def prepare(self, setting: Setting) -> None:
        self.index.expansion_search = setting

    def search(self, query: Vectors, k: int, setting: Setting) -> Any:
        return self.index.search(query, k, threads=1)

    def ids(self, answer: Any) -> Sequence[int]:
        return answer.keys

    def search_batch(self, queries: Vectors, k: int, setting: Setting) -> NDArray[Any]:
        return self.index.search(queries, k, threads=1).keys


VARIANTS = {"usearch f32": lambda: USearch("f32"), "usearch i8": lambda: USearch("i8")}
