"""Chroma in process (PersistentClient): its HNSW is a fork of hnswlib. `served.py` measures its server."""

import shutil
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from peers import Metric, Peer, Setting, Vectors

BATCH = 1_000
NAME = "peers"


def configuration(metric: Metric, threads: int) -> dict[str, Any]:
    """A collection's configuration, also for the server. Each batch goes to the graph at once."""
    space = {"cosine": "cosine", "dot": "ip", "euclid": "l2"}[metric]
    graph = {"space": space, "max_neighbors": 16, "ef_construction": 128, "num_threads": threads}
    return {"hnsw": graph | {"batch_size": 100, "sync_threshold": 1_000}}


def fill(collection: Any, base: Vectors) -> float:
    """Adds all rows and waits until they can be found; gives the seconds."""
    started = time.perf_counter()
    for first in range(0, len(base), BATCH):
        rows = base[first : first + BATCH]
        collection.add(ids=[str(first + i) for i in range(len(rows))], embeddings=rows)
    collection.query(query_embeddings=base[:1], n_results=1, include=[])
    return time.perf_counter() - started


def set_width(collection: Any, width: int) -> None:
    """Takes effect when the collection is opened the next time, not before."""
    collection.modify(configuration={"hnsw": {"ef_search": width}})


class Chroma(Peer):
    package = "chromadb"
    most_queries = 300

    def __init__(self) -> None:
        self.collection: Any = None
        self.directory = tempfile.mkdtemp(prefix="peers-chroma-")

    def build(self, base: Vectors, metric: Metric, threads: int) -> float:
        self.collection = self.open().create_collection(
            NAME, configuration=configuration(metric, threads), embedding_function=None
        )
        return fill(self.collection, base)

    def open(self) -> Any:
        import chromadb
        from chromadb.api.shared_system_client import SharedSystemClient

        SharedSystemClient.clear_system_cache()
        options = chromadb.Settings(anonymized_telemetry=False)
        return chromadb.PersistentClient(self.directory, settings=options)

    def settings(self) -> Sequence[Setting]:
        return (10, 16, 24, 32, 48, 64, 96, 128, 192, 256)

    def prepare(self, setting: Setting) -> None:
        assert isinstance(setting, int)
        set_width(self.collection, setting)
        self.collection = self.open().get_collection(NAME, embedding_function=None)

    def encode(self, query: Vectors) -> Any:
        return query.reshape(1, -1)

    def search(self, query: Any, k: int, setting: Setting) -> Any:
        return self.collection.query(query_embeddings=query, n_results=k, include=[])

    def ids(self, answer: Any) -> Sequence[int]:
        return [int(i) for i in answer["ids"][0]]

    def close(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)


VARIANTS = {"chroma in process": Chroma}
