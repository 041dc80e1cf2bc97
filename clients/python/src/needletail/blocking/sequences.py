"""What takes several calls one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

from ..errors import NeedletailError, TimedOut
from ..filters import FilterLike
from ..methods.jobs import Job, JobFailed
from ..methods.snapshots import Snapshot
from ..points import StoredPoint
from .methods import BlockingMethods


class BlockingSequences(BlockingMethods):
    """Walks through points, moves archives, waits for jobs."""

    def scroll(
        self,
        collection: str,
        *,
        filter: FilterLike | None = None,
        page: int | None = None,
        order_by: str | None = None,
        direction: Literal["asc", "desc"] | None = None,
        with_payload: bool | Sequence[str] = True,
        with_vector: bool = False,
        min_lsn: int | None = None,
        timeout: float | None = None,
    ) -> Iterator[StoredPoint]:
        """All points as of one moment, by id or in the order of the values at ``order_by``; ``page`` (100) of them are fetched at
        once. Raises ``NotFound`` if more than five minutes pass between two pages."""
        cursor: str | None = None
        while True:
            found = self.scroll_page(
                collection,
                filter=filter,
                limit=page,
                order_by=order_by,
                direction=direction,
                cursor=cursor,
                with_payload=with_payload,
                with_vector=with_vector,
                min_lsn=min_lsn,
                timeout=timeout,
            )
            yield from found.points
            cursor = found.cursor
            if cursor is None:
                return

    def export_snapshot(self, snapshot: str, *, piece_bytes: int | None = None) -> Iterator[bytes]:
        """The archive of a snapshot, piece by piece: ``file.writelines(client.export_snapshot(name))``. Only an iteration that
        came to its end made a whole archive."""
        position: int | None = 0
        while position is not None:
            piece = self.read_snapshot(snapshot, position, bytes=piece_bytes)
            yield piece.data
            position = piece.next

    def import_snapshot(self, archive: Iterable[bytes], as_: str | None = None) -> Snapshot:
        """Makes a snapshot of an archive's bytes, in pieces of any size up to some megabytes. It is visible once all of it was
        found right. Raises ``Corruption``, ``AlreadyExists``."""
        id = self.begin_import()
        try:
            offset = 0
            for piece in archive:
                self.write_import(id, offset, piece)
                offset += len(piece)
            return self.commit_import(id, as_)
        except BaseException:
            try:
                self.abort_import(id)
            except NeedletailError:
                pass  # a damaged archive has ended it already, and the first error says more
            raise

    def wait_for(
        self, job: str, *, timeout: float = 3600.0, progress: Callable[[Job], Any] | None = None
    ) -> Job:
        """Waits until a job is done; ``progress`` is called whenever it was asked. Raises ``JobFailed``, ``TimedOut``."""
        expires = time.monotonic() + timeout
        pause = 0.02
        while True:
            found = self.get_job(job)
            if progress is not None:
                progress(found)
            if found.state == "done":
                return found
            if found.state != "running":
                raise JobFailed(found)
            if time.monotonic() + pause > expires:
                raise TimedOut(f"job {job} is not done: {found.phase}, {found.done} of {found.total}")
            time.sleep(pause)
            pause = min(1.0, pause * 1.5)
