"""Qdrant's engine in process (qdrant-edge): int8 codes in memory, rescored with the originals."""

import shutil
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from peers import WIDTHS, Metric, Peer, Setting, Vectors

BATCH = 1_000


class Qdrant(Peer):
    package = "qdrant-edge-py"

    def __init__(self, quantized: bool) -> None:
        self.quantized = quantized
        self.shard: Any = None
        self.parameters: Any = None
        self.directory = tempfile.mkdtemp(prefix="peers-qdrant-")

    def build(self, base: Vectors, metric: Metric, threads: int) -> float:
        import qdrant_edge as q

        distance = {"cosine": q.Distance.Dot, "dot": q.Distance.Dot, "euclid": q.Distance.Euclid}[metric]
        codes = q.ScalarQuantizationConfig(type=q.ScalarType.Int8, quantile=0.99, memory=q.Memory.Pinned)
        self.config = q.EdgeConfig(
            vectors=q.EdgeVectorParams(size=base.shape[1], distance=distance, memory=q.Memory.Cached),
            hnsw_config=q.HnswIndexConfig(
                m=16, ef_construct=128, full_scan_threshold=10, max_indexing_threads=threads
            ),
            quantization_config=codes if self.quantized else None,
            optimizers=q.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1),
            max_search_threads=1,
        )
        batches = [
            [q.Point(id=i, vector=base[i].tolist()) for i in range(first, min(first + BATCH, len(base)))]
            for first in range(0, len(base), BATCH)
        ]
        started = time.perf_counter()
        self.shard = q.EdgeShard.create(self.directory, self.config)
        for batch in batches:
            self.shard.update(q.UpdateOperation.upsert_points(batch))
        self.shard.optimize()
        return time.perf_counter() - started

    def settings(self) -> Sequence[Setting]:
        return WIDTHS

    def prepare(self, setting: Setting) -> None:
        import qdrant_edge as q

        assert isinstance(setting, int)
        rescore = q.QuantizationSearchParams(rescore=True, oversampling=2.0) if self.quantized else None
        self.parameters = q.SearchParams(hnsw_ef=setting, quantization=rescore)

    def encode(self, query: Vectors) -> Any:
        import qdrant_edge as q

        return q.Query.Nearest(query.tolist())

    def search(self, query: Any, k: int, setting: Setting) -> Any:
        import qdrant_edge as q

        return self.shard.search(q.SearchRequest(query=query, limit=k, params=self.parameters))

    def ids(self, answer: Any) -> Sequence[int]:
        return [point.id for point in answer]

    def close(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)


VARIANTS = {"qdrant-edge int8 + rescore": lambda: Qdrant(True), "qdrant-edge float32": lambda: Qdrant(False)}
