"""The blocking client."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TypeVar

from ..call import Call
from ..configuration import Configuration
from ..imports import ImportedDocuments, ImportedPoints, document_import, point_import
from ..methods.documents import Document
from ..points import Point
from ..retry import RetryPolicy
from .channel import Channel
from .importing import run_import
from .pipeline import Pipeline
from .pool import ConnectionPool
from .sequences import BlockingSequences

T = TypeVar("T")


class Client(BlockingSequences):
    """A Needletail server. Connects when first used, reconnects, and retries what may safely be retried.

    url      ``needletail://HOST:PORT``, ``HOST:PORT`` or ``HOST``; without it ``NEEDLETAIL_URL``, else 127.0.0.1:7700
    api_key  a key or token, sent if the server wants one; without it ``NEEDLETAIL_API_KEY``
    timeout  seconds for a call with all its attempts, unless the call has its own; ``math.inf`` waits for ever
    retry    what is tried again, and how often

    May be used by several threads: each call under way has a connection of its own. Pipelines and iterators are for one thread.
    A read sees every write that was answered before, whichever thread made it. Methods raise ``NeedletailError``.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout: float = 30.0,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._pool = ConnectionPool(Configuration.of(url, api_key, timeout, retry))

    def call(self, call: Call[T]) -> T:
        """Sends a call and waits for its result."""
        channel = Channel(self._pool)
        try:
            return channel.wait(channel.submit(call))
        finally:
            channel.release()

    def pipeline(self) -> Pipeline:
        """Several requests under way at once: ``with client.pipeline() as p: reply = p.search(...)``."""
        return Pipeline(Channel(self._pool))

    def close(self) -> None:
        """Closes the connections. Calls afterwards raise ``ClientClosed``."""
        self._pool.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({str(self._pool.configuration.address)!r})"

    def import_points(
        self,
        collection: str,
        points: Iterable[Point],
        *,
        if_absent: bool = False,
        model: str | None = None,
        batch_count: int = 500,
        batch_bytes: int = 4 << 20,
        in_flight: int = 4,
        progress: Callable[[ImportedPoints], None] | None = None,
        timeout: float | None = None,
    ) -> ImportedPoints:
        """Writes any number of points from any iterable, which is asked for more only as they are acknowledged.

        batch_count, batch_bytes  of a batch; never above what the server takes
        in_flight                 batches under way at once
        progress                  called after each batch with what is acknowledged so far
        timeout                   seconds for a batch

        Every batch is written wholly or not at all, and once, also when its connection breaks. Of two points with one id the
        later one stays, unless the server refused a batch for a moment (overload) and it came in behind the next ones.
        Raises ``ImportFailed``, which says what was acknowledged and where to go on.
        """
        job = point_import(collection, if_absent=if_absent, model=model, timeout=timeout)
        run_import(job, self._pool, points, batch_count, batch_bytes, in_flight, progress)
        counted: ImportedPoints = job.progress
        return counted

    def import_documents(
        self,
        collection: str,
        documents: Iterable[Document],
        *,
        max_tokens: int | None = None,
        overlap_tokens: int | None = None,
        model: str | None = None,
        batch_count: int = 100,
        batch_bytes: int = 64 << 10,
        in_flight: int = 2,
        progress: Callable[[ImportedDocuments], None] | None = None,
        timeout: float | None = None,
    ) -> ImportedDocuments:
        """Writes any number of documents like ``import_points``. The server cuts them into chunks and embeds those that are new,
        so batches are small: a longer document is a batch by itself. Writing a document again that did not change is cheap."""
        job = document_import(
            collection, max_tokens=max_tokens, overlap_tokens=overlap_tokens, model=model, timeout=timeout
        )
        run_import(job, self._pool, documents, batch_count, batch_bytes, in_flight, progress)
        counted: ImportedDocuments = job.progress
        return counted
