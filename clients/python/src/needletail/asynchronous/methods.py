"""Every method of the protocol as a coroutine. What they take is described where the calls are made, in
``needletail.methods``."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from ..call import Call
from ..methods import aliases, changes, collections, documents, indexes, jobs, models, points, searches, server, snapshots
from ..methods.described import described_by

P = ParamSpec("P")
T = TypeVar("T")


def _awaited(build: Callable[P, Call[T]]) -> Callable[Concatenate[AsyncMethods, P], Coroutine[Any, Any, T]]:
    @described_by(build, "{}")
    async def method(self: AsyncMethods, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.call(build(*args, **kwargs))

    return method


class AsyncMethods:
    """Whatever can ``call`` can do all of this."""

    async def call(self, call: Call[T]) -> T:
        """Sends a call and waits for its result."""
        raise NotImplementedError

    ping = _awaited(server.ping)
    info = _awaited(server.info)
    health = _awaited(server.health)

    create_collection = _awaited(collections.create_collection)
    get_collection = _awaited(collections.get_collection)
    list_collections = _awaited(collections.list_collections)
    update_collection = _awaited(collections.update_collection)
    delete_collection = _awaited(collections.delete_collection)
    optimize = _awaited(collections.optimize)

    upsert = _awaited(points.upsert)
    get = _awaited(points.get)
    count = _awaited(points.count)
    scroll_page = _awaited(points.scroll_page)
    facet = _awaited(points.facet)

    delete = _awaited(changes.delete)
    set_payload = _awaited(changes.set_payload)
    replace_payload = _awaited(changes.replace_payload)
    delete_payload = _awaited(changes.delete_payload)
    set_vectors = _awaited(changes.set_vectors)

    search = _awaited(searches.search)
    search_batch = _awaited(searches.search_batch)
    search_groups = _awaited(searches.search_groups)
    recommend = _awaited(searches.recommend)

    upsert_documents = _awaited(documents.upsert_documents)
    get_document = _awaited(documents.get_document)
    delete_documents = _awaited(documents.delete_documents)

    embed = _awaited(models.embed)
    start_reembedding = _awaited(models.start_reembedding)
    get_reembedding = _awaited(models.get_reembedding)
    cut_over = _awaited(models.cut_over)
    roll_back = _awaited(models.roll_back)

    create_index = _awaited(indexes.create_index)
    delete_index = _awaited(indexes.delete_index)
    list_indexes = _awaited(indexes.list_indexes)

    set_aliases = _awaited(aliases.set_aliases)
    delete_aliases = _awaited(aliases.delete_aliases)
    list_aliases = _awaited(aliases.list_aliases)

    create_snapshot = _awaited(snapshots.create_snapshot)
    list_snapshots = _awaited(snapshots.list_snapshots)
    delete_snapshot = _awaited(snapshots.delete_snapshot)
    verify_snapshot = _awaited(snapshots.verify_snapshot)
    restore_snapshot = _awaited(snapshots.restore_snapshot)
    read_snapshot = _awaited(snapshots.read_snapshot)
    begin_import = _awaited(snapshots.begin_import)
    write_import = _awaited(snapshots.write_import)
    commit_import = _awaited(snapshots.commit_import)
    abort_import = _awaited(snapshots.abort_import)

    list_jobs = _awaited(jobs.list_jobs)
    get_job = _awaited(jobs.get_job)
    cancel_job = _awaited(jobs.cancel_job)
