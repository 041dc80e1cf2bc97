"""Zvec in process: HNSW over floats, and over 8-bit and RaBitQ codes refined with the originals.

Codes are not rotated: with `enable_rotate` version 0.8.0 finds next to nothing (recall 0.02). Its uniform
8-bit codes take L2 only, which gives unit vectors the order of the cosine.
"""

import shutil
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from peers import WIDTHS, Metric, Peer, Setting, Vectors

BATCH = 1_000


class Zvec(Peer):
    package = "zvec"

    def __init__(self, codes: str | None) -> None:
        self.codes = codes
        self.collection: Any = None
        self.parameters: Any = None
        self.directory = tempfile.mkdtemp(prefix="peers-zvec-")

    def index_parameters(self, zvec: Any, metric: Metric) -> Any:
        measure = zvec.MetricType.IP if metric == "dot" else zvec.MetricType.L2
        if self.codes == "RABITQ":
            return zvec.HnswRabitqIndexParam(metric_type=measure, m=16, ef_construction=128)
        extra: dict[str, Any] = {}
        if self.codes is not None:
            extra["quantize_type"] = zvec.QuantizeType.__members__[self.codes]
            extra["use_flat_contiguous_memory"] = True
        return zvec.HnswIndexParam(
            metric_type=measure, m=16, ef_construction=128, use_contiguous_memory=True, **extra
        )

    def build(self, base: Vectors, metric: Metric, threads: int) -> float:
        import zvec

        zvec.init(query_threads=1, optimize_threads=threads, log_level=zvec.LogLevel.ERROR)
        field = zvec.VectorSchema(
            "v", zvec.DataType.VECTOR_FP32, base.shape[1], index_param=self.index_parameters(zvec, metric)
        )
        batches = [
            [zvec.Doc(id=str(i), vectors={"v": base[i]}) for i in range(first, min(first + BATCH, len(base)))]
            for first in range(0, len(base), BATCH)
        ]
        started = time.perf_counter()
        self.collection = zvec.create_and_open(
            f"{self.directory}/c", zvec.CollectionSchema("c", vectors=[field])
        )
        for batch in batches:
            for status in self.collection.insert(batch):
                assert status.ok(), status
        self.collection.optimize(zvec.OptimizeOption(concurrency=threads))
        return time.perf_counter() - started

    def settings(self) -> Sequence[Setting]:
        return WIDTHS

    def prepare(self, setting: Setting) -> None:
        import zvec

        kind = zvec.HnswRabitqQueryParam if self.codes == "RABITQ" else zvec.HnswQueryParam
        assert isinstance(setting, int)
        self.parameters = kind(ef=setting, is_using_refiner=self.codes is not None, scale_factor=2.0)

    def search(self, query: Vectors, k: int, setting: Setting) -> Any:
        import zvec

        return self.collection.query(
            zvec.Query(field_name="v", vector=query, param=self.parameters), topk=k, output_fields=[]
        )

    def ids(self, answer: Any) -> Sequence[int]:
        return [int(document.id) for document in answer]

    def close(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)


VARIANTS = {
    "zvec HNSW float32": lambda: Zvec(None),
    "zvec HNSW int8 + refine": lambda: Zvec("INT8"),
    "zvec HNSW uint8 uniform + refine": lambda: Zvec("UNIFORM_UINT8"),
    "zvec HNSW RaBitQ + refine": lambda: Zvec("RABITQ"),
}
