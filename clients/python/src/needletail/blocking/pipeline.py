"""Several requests under way at once on one connection."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from ..call import Call
from ..methods import aliases, changes, collections, documents, indexes, jobs, models, points, searches, server, snapshots
from ..methods.described import described_by
from .channel import Channel
from .flight import Flight

P = ParamSpec("P")
T = TypeVar("T")


class Reply(Generic[T]):
    """The answer to a request of a pipeline, now or later."""

    def __init__(self, flight: Flight[T], channel: Channel) -> None:
        self._flight = flight
        self._channel = channel
        self._was_asked = False

    @property
    def is_done(self) -> bool:
        """It is there, so ``result()`` does not wait."""
        return self._flight.is_done

    def result(self) -> T:
        """The result, or the error as an exception; waits for it."""
        self._was_asked = True
        return self._channel.wait(self._flight)

    @property
    def _unnoticed_error(self) -> BaseException | None:
        return None if self._was_asked else self._flight.error


def _pipelined(build: Callable[P, Call[T]]) -> Callable[Concatenate[Pipeline, P], Reply[T]]:
    @described_by(build, "Reply[{}]")
    def method(self: Pipeline, /, *args: P.args, **kwargs: P.kwargs) -> Reply[T]:
        return self.call(build(*args, **kwargs))

    return method


class Pipeline:
    """Sends requests without waiting for answers, as many as the server takes at once; its methods are those of the client and
    give a ``Reply``. For one thread.

    Writes to one collection are applied in the order they were sent. A read does not wait for the writes before it: ask for
    their ``result()`` first, or give the read their ``lsn`` as ``min_lsn``. After the ``with`` block everything is answered; the
    first error of a reply that nobody asked for its result is raised then. Replies stay readable.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._replies: list[Reply[Any]] = []

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._channel.wait_for_all()
        finally:
            self._channel.release()
        if kind is None:
            for reply in self._replies:
                if reply._unnoticed_error is not None:
                    raise reply._unnoticed_error

    def call(self, call: Call[T]) -> Reply[T]:
        """Sends a call."""
        reply = Reply(self._channel.submit(call), self._channel)
        self._replies.append(reply)
        return reply

    ping = _pipelined(server.ping)
    info = _pipelined(server.info)
    health = _pipelined(server.health)

    create_collection = _pipelined(collections.create_collection)
    get_collection = _pipelined(collections.get_collection)
    list_collections = _pipelined(collections.list_collections)
    update_collection = _pipelined(collections.update_collection)
    delete_collection = _pipelined(collections.delete_collection)
    optimize = _pipelined(collections.optimize)

    upsert = _pipelined(points.upsert)
    get = _pipelined(points.get)
    count = _pipelined(points.count)
    scroll_page = _pipelined(points.scroll_page)
    facet = _pipelined(points.facet)

    delete = _pipelined(changes.delete)
    set_payload = _pipelined(changes.set_payload)
    replace_payload = _pipelined(changes.replace_payload)
    delete_payload = _pipelined(changes.delete_payload)
    set_vectors = _pipelined(changes.set_vectors)

    search = _pipelined(searches.search)
    search_batch = _pipelined(searches.search_batch)
    search_groups = _pipelined(searches.search_groups)
    recommend = _pipelined(searches.recommend)

    upsert_documents = _pipelined(documents.upsert_documents)
    get_document = _pipelined(documents.get_document)
    delete_documents = _pipelined(documents.delete_documents)

    embed = _pipelined(models.embed)
    start_reembedding = _pipelined(models.start_reembedding)
    get_reembedding = _pipelined(models.get_reembedding)
    cut_over = _pipelined(models.cut_over)
    roll_back = _pipelined(models.roll_back)

    create_index = _pipelined(indexes.create_index)
    delete_index = _pipelined(indexes.delete_index)
    list_indexes = _pipelined(indexes.list_indexes)

    set_aliases = _pipelined(aliases.set_aliases)
    delete_aliases = _pipelined(aliases.delete_aliases)
    list_aliases = _pipelined(aliases.list_aliases)

    create_snapshot = _pipelined(snapshots.create_snapshot)
    list_snapshots = _pipelined(snapshots.list_snapshots)
    delete_snapshot = _pipelined(snapshots.delete_snapshot)
    verify_snapshot = _pipelined(snapshots.verify_snapshot)
    restore_snapshot = _pipelined(snapshots.restore_snapshot)
    read_snapshot = _pipelined(snapshots.read_snapshot)
    begin_import = _pipelined(snapshots.begin_import)
    write_import = _pipelined(snapshots.write_import)
    commit_import = _pipelined(snapshots.commit_import)
    abort_import = _pipelined(snapshots.abort_import)

    list_jobs = _pipelined(jobs.list_jobs)
    get_job = _pipelined(jobs.get_job)
    cancel_job = _pipelined(jobs.cancel_job)
