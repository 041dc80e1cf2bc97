"""ScaNN: anisotropic 4-bit codes of two dimensions a block, reordered with the originals.

Its documentation: below 100,000 points score all of them (no tree); above, a tree of about √n leaves.
Spilling (SOAR) is what its authors found best at high recall.
"""

import math
import time
from collections.abc import Sequence
from typing import Any

from peers import Metric, Peer, Setting, Vectors

SOAR = {"soar_lambda": 1.5, "overretrieve_factor": 2.0}
SHARES = (0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7)


class ScaNN(Peer):
    """No batch: it would score one leaf for several queries at once."""

    package = "scann"

    def __init__(self, leaves_per_root: float, spilling: bool = False) -> None:
        self.leaves_per_root = leaves_per_root
        self.spilling = spilling
        self.index: Any = None
        self.leaves = 0

    def build(self, base: Vectors, metric: Metric, threads: int) -> float:
        from scann import scann_ops_pybind

        self.leaves = round(self.leaves_per_root * math.sqrt(len(base)))
        measure = "squared_l2" if metric == "euclid" else "dot_product"
        started = time.perf_counter()
        builder = scann_ops_pybind.builder(base, 10, measure).set_n_training_threads(threads)
        if self.leaves:
            extra = SOAR if self.spilling and measure == "dot_product" else {}
            builder = builder.tree(
                self.leaves, self.leaves // 10, training_sample_size=min(len(base), 250_000), **extra
            )
        # The threshold of its documentation, for inner products; with L2 it is left off.
        threshold = {} if metric == "euclid" else {"anisotropic_quantization_threshold": 0.2}
        self.index = builder.score_ah(2, **threshold).reorder(100).build()
        return time.perf_counter() - started

    def settings(self) -> Sequence[Setting]:
        if self.leaves == 0:
            return [(1, reorder) for reorder in (12, 16, 20, 30, 50, 100, 200)]
        leaves = [max(1, round(share * self.leaves)) for share in SHARES]
        return [(n, reorder) for reorder in (50, 100) for n in leaves]

    def search(self, query: Vectors, k: int, setting: Setting) -> Any:
        assert isinstance(setting, tuple)
        return self.index.search(query, k, int(setting[1]), int(setting[0]))

    def ids(self, answer: Any) -> Sequence[int]:
        return answer[0]


VARIANTS = {
    "scann AH, no tree": lambda: ScaNN(0),
    "scann tree √n AH": lambda: ScaNN(1),
    "scann tree 2√n AH, SOAR": lambda: ScaNN(2, spilling=True),
}
