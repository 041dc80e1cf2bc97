"""The peers: one module each, which names its variants and knows how to build and to search one.

A module imports its package inside `build`, not at its head: so that the list of all peers can be read
without any of them, and each lives only in the process that measures it.
"""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Metric = Literal["cosine", "euclid", "dot"]
Setting = int | tuple[float, ...]

# Widths of a beam: what most graphs call ef. A sweep ends early once recall is beyond all that is reported.
WIDTHS: tuple[int, ...] = (10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 384, 512)


class Peer(ABC):
    """One index of one library. With the metric cosine, base and queries come with unit length."""

    package: str
    """The name of its distribution on PyPI."""
    clock: Literal["processor", "wall"] = "processor"
    """What a search costs: processor time of the process; wall time where another process does the work."""
    most_queries: int = 1_000_000
    """Slow peers are measured on the first so many queries only."""

    @abstractmethod
    def build(self, base: Vectors, metric: Metric, threads: int) -> float:
        """Builds; gives the seconds it took, less the turning of NumPy's rows into the library's objects."""

    @abstractmethod
    def settings(self) -> Sequence[Setting]:
        """The sweep of its search parameter, from low recall to high."""

    @abstractmethod
    def search(self, query: Any, k: int, setting: Setting) -> Any:
        """One query, the way its users search. What comes back is read by `ids`."""

    def prepare(self, setting: Setting) -> None:
        """Not timed; called before the searches with a setting."""

    def encode(self, query: Vectors) -> Any:
        """Not timed: the form in which the library takes a query."""
        return query

    def ids(self, answer: Any) -> Sequence[int]:
        """Not timed: row numbers out of what `search` gave."""
        return answer

    def search_batch(self, queries: Vectors, k: int, setting: Setting) -> NDArray[Any] | None:
        """All queries in one call on one thread, where a batch is a plain loop: spares them Python's loop.

        None where there is no such call, or where it shares work among queries that come singly in a server.
        """
        return None

    def close(self) -> None:
        """Ends what would outlive the process."""


NAMES = (
    "hnswlib",
    "faiss",
    "usearch",
    "svs",
    "vsag",
    "scann",
    "qdrant",
    "zvec",
    "lancedb",
    "sqlite_vec",
    "chroma",
    "pgvector",
)


def variants(name: str) -> dict[str, Callable[[], Peer]]:
    """The variants of a peer by their label, e.g. "hnswlib M16 efC128"."""
    return importlib.import_module(f"peers.{name}").VARIANTS
