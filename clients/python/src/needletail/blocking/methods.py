"""Every method of the protocol as a blocking method. What they take is described where the calls are made, in
``needletail.methods``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from ..call import Call
from ..methods import aliases, changes, collections, documents, indexes, jobs, models, points, searches, server, snapshots
from ..methods.described import described_by

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(build: Callable[P, Call[T]]) -> Callable[Concatenate[BlockingMethods, P], T]:
    @described_by(build, "{}")
    def method(self: BlockingMethods, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.call(build(*args, **kwargs))

    return method


class BlockingMethods:
    """Whatever can ``call`` can do all of this."""

    def call(self, call: Call[T]) -> T:
        """Sends a call and waits for its result."""
        raise NotImplementedError

    ping = _blocking(server.ping)
    info = _blocking(server.info)
    health = _blocking(server.health)

    create_collection = _blocking(collections.create_collection)
    get_collection = _blocking(collections.get_collection)
    list_collections = _blocking(collections.list_collections)
    update_collection = _blocking(collections.update_collection)
    delete_collection = _blocking(collections.delete_collection)
    optimize = _blocking(collections.optimize)

    upsert = _blocking(points.upsert)
    get = _blocking(points.get)
    count = _blocking(points.count)
    scroll_page = _blocking(points.scroll_page)
    facet = _blocking(points.facet)

    delete = _blocking(changes.delete)
    set_payload = _blocking(changes.set_payload)
    replace_payload = _blocking(changes.replace_payload)
    delete_payload = _blocking(changes.delete_payload)
    set_vectors = _blocking(changes.set_vectors)

    search = _blocking(searches.search)
    search_batch = _blocking(searches.search_batch)
    search_groups = _blocking(searches.search_groups)
    recommend = _blocking(searches.recommend)

    upsert_documents = _blocking(documents.upsert_documents)
    get_document = _blocking(documents.get_document)
    delete_documents = _blocking(documents.delete_documents)

    embed = _blocking(models.embed)
    start_reembedding = _blocking(models.start_reembedding)
    get_reembedding = _blocking(models.get_reembedding)
    cut_over = _blocking(models.cut_over)
    roll_back = _blocking(models.roll_back)

    create_index = _blocking(indexes.create_index)
    delete_index = _blocking(indexes.delete_index)
    list_indexes = _blocking(indexes.list_indexes)

    set_aliases = _blocking(aliases.set_aliases)
    delete_aliases = _blocking(aliases.delete_aliases)
    list_aliases = _blocking(aliases.list_aliases)

    create_snapshot = _blocking(snapshots.create_snapshot)
    list_snapshots = _blocking(snapshots.list_snapshots)
    delete_snapshot = _blocking(snapshots.delete_snapshot)
    verify_snapshot = _blocking(snapshots.verify_snapshot)
    restore_snapshot = _blocking(snapshots.restore_snapshot)
    read_snapshot = _blocking(snapshots.read_snapshot)
    begin_import = _blocking(snapshots.begin_import)
    write_import = _blocking(snapshots.write_import)
    commit_import = _blocking(snapshots.commit_import)
    abort_import = _blocking(snapshots.abort_import)

    list_jobs = _blocking(jobs.list_jobs)
    get_job = _blocking(jobs.get_job)
    cancel_job = _blocking(jobs.cancel_job)
