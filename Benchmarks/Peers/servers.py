"""Servers as peers, each started on loopback in a process of its own: Chroma's, and Needletail's.

(pgvector's is `peers.pgvector`.) One connection, one search at a time; time is wall time.
"""

import base64
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from peers import Metric, Peer, Setting, Vectors
from peers.chroma import NAME, configuration, fill, set_width
from postgres import free_port

sys.path.append(str(Path(__file__).parent.parent / "Server"))
from protocol import BATCH, Connection, encode  # noqa: E402


class ChromaServer(Peer):
    """`chroma run`. It reads a collection's width when it opens it, so each setting restarts it."""

    package = "chromadb"
    clock = "wall"

    def __init__(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="peers-chroma-")
        self.process: subprocess.Popen[bytes] | None = None
        self.client: Any = None
        self.collection: Any = None

    def start(self) -> None:
        import chromadb

        port = free_port()
        program = Path(sys.executable).parent / "chroma"
        command = [str(program), "run", "--path", self.directory, "--host", "127.0.0.1", "--port", str(port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        options = chromadb.Settings(anonymized_telemetry=False)
        for _ in range(300):
            try:
                self.client = chromadb.HttpClient("127.0.0.1", port, settings=options)
                self.client.heartbeat()
                return
            except Exception:  # Its client throws many kinds while nobody listens.
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        raise RuntimeError("Chroma's server did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=30)
            self.process = None

    def build(self, base: Vectors, metric: Metric, threads: int) -> float:
        self.start()
        self.collection = self.client.create_collection(
            NAME, configuration=configuration(metric, threads), embedding_function=None
        )
        return fill(self.collection, base)

    def settings(self) -> Sequence[Setting]:
        return (16, 24, 32, 48, 64, 96, 128, 192)

    def prepare(self, setting: Setting) -> None:
        assert isinstance(setting, int)
        set_width(self.collection, setting)
        self.stop()
        self.start()
        self.collection = self.client.get_collection(NAME, embedding_function=None)

    def encode(self, query: Vectors) -> Any:
        return query.reshape(1, -1)

    def search(self, query: Any, k: int, setting: Setting) -> Any:
        return self.collection.query(query_embeddings=query, n_results=k, include=[])

    def ids(self, answer: Any) -> Sequence[int]:
        return [int(i) for i in answer["ids"][0]]

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class NeedletailServer(Peer):
    """`needletaild`; vectors go as base64, and only ids and scores are asked for."""

    package = "needletail"
    clock = "wall"
    version = "needletaild"

    def __init__(self, program: str) -> None:
        self.directory = tempfile.mkdtemp(prefix="peers-needletail-")
        command = [program, "--data", self.directory, "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        if not said.startswith("listening on "):
            raise RuntimeError(f"needletaild did not start: {said!r}")
        self.connection = Connection(said.removeprefix("listening on ").strip())

    def build(self, base: Vectors, metric: Metric, threads: int) -> float:
        space = {"size": base.shape[1], "metric": metric}
        self.connection.call("collection.create", {"name": NAME, "vectors": space})
        batches = [
            [{"id": i, "vector": encode(base[i])} for i in range(first, min(first + BATCH, len(base)))]
            for first in range(0, len(base), BATCH)
        ]
        started = time.perf_counter()
        calls = [("point.upsert", {"collection": NAME, "points": batch}) for batch in batches]
        for _ in self.connection.pipeline(calls):
            pass
        self.connection.call("collection.optimize", {"collection": NAME, "wait": True})
        return time.perf_counter() - started

    def settings(self) -> Sequence[Setting]:
        return (16, 24, 32, 48, 64, 96, 128, 192)

    def encode(self, query: Vectors) -> Any:
        return query.astype("<f4").tobytes()

    def search(self, query: bytes, k: int, setting: Setting) -> Any:
        """Base64 and JSON are part of it, as they are of the other clients."""
        found = {"collection": NAME, "limit": k, "with_payload": False, "params": {"ef": setting}}
        return self.connection.call("point.search", found | {"vector": base64.b64encode(query).decode()})

    def ids(self, answer: Any) -> Sequence[int]:
        return [point["id"] for point in answer["points"]]

    def close(self) -> None:
        try:
            info = self.connection.call("server.info", {})
            self.version = f"needletaild {json.dumps(info.get('version', ''))}"
        finally:
            self.process.terminate()
            self.process.wait(timeout=30)
            shutil.rmtree(self.directory, ignore_errors=True)
