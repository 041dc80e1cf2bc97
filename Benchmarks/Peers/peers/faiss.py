"""Faiss: HNSW over floats and over 8-bit codes; inverted lists with 4-bit product codes (fast scan), refined.

Its wiki: HNSW where memory allows; IVF with `PQ…x4fs` and a refinement with the originals (`RFlat`) for
speed. Lists: 4 × √n to 16 × √n.
"""

import math
import time
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from peers import WIDTHS, Metric, Peer, Setting, Vectors


class Faiss(Peer):
    package = "faiss-cpu"
    factory: str

    def __init__(self) -> None:
        self.index: Any = None

    def make(self, base: Vectors, metric: Metric) -> Any:
        import faiss

        measure = faiss.METRIC_INNER_PRODUCT if metric == "dot" else faiss.METRIC_L2
        # For unit vectors L2 gives the order of the cosine.
        return faiss.index_factory(base.shape[1], self.factory, measure)

    def build(self, base: Vectors, metric: Metric, threads: int) -> float:
        import faiss

        faiss.omp_set_num_threads(threads)
        started = time.perf_counter()
        self.index = self.make(base, metric)
        self.index.train(base)
        self.index.add(base)
        seconds = time.perf_counter() - started
        faiss.omp_set_num_threads(1)
        return seconds

    def encode(self, query: Vectors) -> Any:
        return query.reshape(1, -1)

    def search(self, query: Vectors, k: int, setting: Setting) -> Any:
        return self.index.search(query, k)

    def ids(self, answer: Any) -> Sequence[int]:
        return answer[1][0]


class FaissHNSW(Faiss):
    def __init__(self, factory: str) -> None:
        super().__init__()
        self.factory = factory

    def make(self, base: Vectors, metric: Metric) -> Any:
        index = super().make(base, metric)
        index.hnsw.efConstruction = 128
        return index

    def settings(self) -> Sequence[Setting]:
        return WIDTHS

    def prepare(self, setting: Setting) -> None:
        self.index.hnsw.efSearch = setting

    def search_batch(self, queries: Vectors, k: int, setting: Setting) -> NDArray[Any]:
        return self.index.search(queries, k)[1]


class FaissIVF(Faiss):
    """No batch: its fast scan would score one list for several queries at once."""

    def make(self, base: Vectors, metric: Metric) -> Any:
        lists = 2 ** round(math.log2(4 * math.sqrt(len(base))))
        self.factory = f"IVF{lists},PQ{base.shape[1] // 2}x4fs,RFlat"
        return super().make(base, metric)

    def settings(self) -> Sequence[Setting]:
        probes = (8, 16, 32, 64, 96, 128, 192, 256, 384, 512)
        return [(n, factor) for factor in (4, 10) for n in probes]

    def prepare(self, setting: Setting) -> None:
        import faiss

        assert isinstance(setting, tuple)
        self.index.k_factor = float(setting[1])
        faiss.extract_index_ivf(self.index.base_index).nprobe = int(setting[0])


VARIANTS = {
    "faiss HNSW16,Flat efC128": lambda: FaissHNSW("HNSW16,Flat"),
    "faiss HNSW16,SQ8 efC128": lambda: FaissHNSW("HNSW16,SQ8"),
    "faiss IVF,PQ4fs,RFlat": FaissIVF,
}
