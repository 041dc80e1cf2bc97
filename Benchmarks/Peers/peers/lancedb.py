"""LanceDB in process: IVF_HNSW_SQ with one partition (its advice for all but very large tables), refined."""

import shutil
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from peers import Metric, Peer, Setting, Vectors


class LanceDB(Peer):
    package = "lancedb"
    most_queries = 200

    def __init__(self) -> None:
        self.table: Any = None
        self.directory = tempfile.mkdtemp(prefix="peers-lancedb-")

    def build(self, base: Vectors, metric: Metric, threads: int) -> float:
        import lancedb
        import pyarrow

        column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(base.ravel()), base.shape[1])
        rows = pyarrow.table({"id": np.arange(len(base)), "vector": column})
        self.distance = {"cosine": "cosine", "dot": "dot", "euclid": "l2"}[metric]
        started = time.perf_counter()
        self.table = lancedb.connect(self.directory).create_table("t", rows)
        self.table.create_index(
            metric=self.distance, index_type="IVF_HNSW_SQ", num_partitions=1, m=20, ef_construction=300
        )
        return time.perf_counter() - started

    def settings(self) -> Sequence[Setting]:
        widths = (12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
        # It refuses an ef below the number of candidates to refine.
        return [(ef, refine) for refine in (1, 2, 4) for ef in widths if ef >= 10 * refine]

    def search(self, query: Vectors, k: int, setting: Setting) -> Any:
        assert isinstance(setting, tuple)
        ef, refine = (int(part) for part in setting)
        search = (
            self.table.search(query).distance_type(self.distance).select(["id", "_distance"]).limit(k).ef(ef)
        )
        return search.refine_factor(refine).to_arrow()

    def ids(self, answer: Any) -> Sequence[int]:
        return answer["id"].to_pylist()

    def close(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)


VARIANTS = {"lancedb IVF_HNSW_SQ + refine": LanceDB}
