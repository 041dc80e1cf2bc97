"""Intel's SVS: a Vamana graph over floats, over LVQ codes, and over LeanVec (projection and LVQ codes).

Degree and window: 64 and 128 as in its documentation, and its defaults, 32 and 200; alpha 1.2. LVQ and
LeanVec are for Intel's processors only; where the library refuses them, the table says so.
"""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peers import WIDTHS, Metric, Peer, Setting, Vectors


class SVS(Peer):
    package = "scalable-vs"

    def __init__(
        self, degree: int, window: int, loader: Callable[[Any, Any, int], Any] | None = None
    ) -> None:
        self.degree, self.window, self.loader = degree, window, loader
        self.index: Any = None

    def build(self, base: Vectors, metric: Metric, threads: int) -> float:
        import svs

        # Unit vectors: L2 gives the order of the cosine, and the better graph (alpha above 1).
        distance = svs.DistanceType.MIP if metric == "dot" else svs.DistanceType.L2
        parameters = svs.VamanaBuildParameters(
            graph_max_degree=self.degree, window_size=self.window, alpha=0.95 if metric == "dot" else 1.2
        )
        with tempfile.TemporaryDirectory() as directory:
            data: Any = base
            if self.loader is not None:
                path = os.path.join(directory, "data.fvecs")
                svs.write_vecs(base, path)
                data = self.loader(
                    svs, svs.VectorDataLoader(path, svs.DataType.float32, dims=base.shape[1]), base.shape[1]
                )
            started = time.perf_counter()
            self.index = svs.Vamana.build(parameters, data, distance, num_threads=threads)
            seconds = time.perf_counter() - started
        self.index.num_threads = 1
        return seconds

    def settings(self) -> Sequence[Setting]:
        return WIDTHS

    def prepare(self, setting: Setting) -> None:
        self.index.search_window_size = setting

    def search(self, query: Vectors, k: int, setting: Setting) -> Any:
        return self.index.search(query, k)

    def ids(self, answer: Any) -> Sequence[int]:
        return np.asarray(answer[0]).ravel()

    def search_batch(self, queries: Vectors, k: int, setting: Setting) -> NDArray[Any]:
        return np.asarray(self.index.search(queries, k)[0])


def lvq(primary: int, residual: int) -> Callable[[Any, Any, int], Any]:
    return lambda svs, data, dimension: svs.LVQLoader(data, primary=primary, residual=residual, padding=32)


def leanvec(svs: Any, data: Any, dimension: int) -> Any:
    return svs.LeanVecLoader(data, leanvec_dims=dimension // 2)


VARIANTS = {
    "svs float32 R64 W128": lambda: SVS(64, 128),
    "svs float32 R32 W200": lambda: SVS(32, 200),
    "svs LVQ8": lambda: SVS(64, 128, lvq(8, 0)),
    "svs LVQ4x8": lambda: SVS(64, 128, lvq(4, 8)),
    "svs LeanVec LVQ8x8": lambda: SVS(64, 128, leanvec),
}
