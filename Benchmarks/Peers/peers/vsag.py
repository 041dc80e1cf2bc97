"""VSAG's HGraph: uniform 8-bit codes in the graph, the originals (fp32) to reorder.

Degrees and width are of its documentation: 32 in the quick start (hnswlib's M 16 has as many on the lowest
level), 64 by default, 400 in both. Left out: codes of `sq8` and `rabitq`, slower at every recall, and
`use_elp_optimizer`, which took half a minute of the build and made no search faster.
"""

import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from peers import WIDTHS, Metric, Peer, Setting, Vectors


class VSAG(Peer):
    package = "pyvsag"

    def __init__(self, codes: str, degree: int, ef_construction: int = 400) -> None:
        self.codes, self.degree, self.ef_construction = codes, degree, ef_construction
        self.index: Any = None
        self.parameters = ""

    def build(self, base: Vectors, metric: Metric, threads: int) -> float:
        import pyvsag

        pyvsag.set_logger_off()
        parameters = {
            "dtype": "float32",
            "metric_type": {"cosine": "cosine", "dot": "ip", "euclid": "l2"}[metric],
            "dim": base.shape[1],
            "index_param": {
                "base_quantization_type": self.codes,
                "use_reorder": True,
                "precise_quantization_type": "fp32",
                "max_degree": self.degree,
                "ef_construction": self.ef_construction,
                "build_thread_count": threads,
                "hgraph_init_capacity": len(base),
                "base_io_type": "memory_io",
                "precise_io_type": "memory_io",
            },
        }
        started = time.perf_counter()
        self.index = pyvsag.Index("hgraph", json.dumps(parameters))
        self.index.build(
            vectors=base.ravel(), ids=np.arange(len(base)), num_elements=len(base), dim=base.shape[1]
        )
        return time.perf_counter() - started

    def settings(self) -> Sequence[Setting]:
        return WIDTHS

    def prepare(self, setting: Setting) -> None:
        self.parameters = json.dumps({"hgraph": {"ef_search": setting}})

    def search(self, query: Vectors, k: int, setting: Setting) -> Any:
        return self.index.knn_search(query, k, self.parameters)

    def ids(self, answer: Any) -> Sequence[int]:
        return answer[0] if np.issubdtype(np.asarray(answer[0]).dtype, np.integer) else answer[1]


VARIANTS = {
    "vsag sq8_uniform+fp32 R32": lambda: VSAG("sq8_uniform", 32),
    "vsag sq8_uniform+fp32 R64": lambda: VSAG("sq8_uniform", 64),
}
