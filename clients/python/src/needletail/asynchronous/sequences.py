"""What takes several calls one after the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Literal

from ..errors import NeedletailError, TimedOut
from ..filters import FilterLike
from ..methods.jobs import Job, JobFailed
from ..methods.snapshots import Snapshot
from ..points import StoredPoint
from .importing import each
from .methods import AsyncMethods


class AsyncSequences(AsyncMethods):
    """Walks through points, moves archives, waits for jobs."""

    async def scroll(
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
    ) -> AsyncIterator[StoredPoint]:
        """Like ``Client.scroll``: ``async for point in client.scroll("notes")``."""
        cursor: str | None = None
        while True:
            found = await self.scroll_page(
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
            for point in found.points:
                yield point
            cursor = found.cursor
            if cursor is None:
                return

    async def export_snapshot(self, snapshot: str, *, piece_bytes: int | None = None) -> AsyncIterator[bytes]:
        """Like ``Client.export_snapshot``."""
        position: int | None = 0
        while position is not None:
            piece = await self.read_snapshot(snapshot, position, bytes=piece_bytes)
            yield piece.data
            position = piece.next

    async def import_snapshot(
        self, archive: Iterable[bytes] | AsyncIterable[bytes], as_: str | None = None
    ) -> Snapshot:
        """Like ``Client.import_snapshot``."""
        id = await self.begin_import()
        try:
            offset = 0
            async for piece in each(archive):
                await self.write_import(id, offset, piece)
                offset += len(piece)
            return await self.commit_import(id, as_)
        except BaseException:
            try:
                await self.abort_import(id)
            except NeedletailError:
                pass  # a damaged archive has ended it already, and the first error says more
            raise

    async def wait_for(
        self, job: str, *, timeout: float = 3600.0, progress: Callable[[Job], Any] | None = None
    ) -> Job:
        """Like ``Client.wait_for``."""
        expires = time.monotonic() + timeout
        pause = 0.02
        while True:
            found = await self.get_job(job)
            if progress is not None:
                progress(found)
            if found.state == "done":
                return found
            if found.state != "running":
                raise JobFailed(found)
            if time.monotonic() + pause > expires:
                raise TimedOut(f"job {job} is not done: {found.phase}, {found.done} of {found.total}")
            await asyncio.sleep(pause)
            pause = min(1.0, pause * 1.5)
