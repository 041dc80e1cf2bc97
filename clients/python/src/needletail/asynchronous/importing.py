"""Imports by the asyncio client: batches in a window, each a task."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, TypeVar

from ..batches import Batch, BatchCutter
from ..conversation import Limits
from ..errors import InvalidArgument, NeedletailError
from ..imports import Import
from .methods import AsyncMethods

R = TypeVar("R")
Item = TypeVar("Item")


async def each(source: Iterable[Item] | AsyncIterable[Item]) -> AsyncIterator[Item]:
    """The members of either kind of iterable."""
    if isinstance(source, AsyncIterable):
        async for item in source:
            yield item
    else:
        for item in source:
            yield item


async def run_import(
    job: Import[R],
    client: AsyncMethods,
    limits: Callable[[], Awaitable[Limits]],
    source: Iterable[Any] | AsyncIterable[Any],
    count: int,
    bytes: int,
    in_flight: int,
    progress: Callable[[Any], None] | None,
) -> None:
    """Imports everything, or raises ``ImportFailed``. An exception of the source or of ``progress`` comes through as it is."""
    if in_flight < 1:
        raise InvalidArgument(f"{in_flight} batches", at="in_flight")
    try:
        cutter = BatchCutter(await limits(), count=count, bytes=bytes)
    except NeedletailError as error:
        raise job.failure(error, 0, None) from error
    window = _Window(job, client, in_flight, progress)
    try:
        await window.run(source, cutter)
    finally:
        await window.cancel()


class _Window:
    """Batches under way, the oldest first."""

    def __init__(
        self, job: Import[Any], client: AsyncMethods, size: int, progress: Callable[[Any], None] | None
    ) -> None:
        self._job = job
        self._client = client
        self._size = size
        self._progress = progress
        self._tasks: deque[tuple[Batch, asyncio.Task[Any]]] = deque()
        self._failure: tuple[NeedletailError, Batch] | None = None

    async def run(self, source: Iterable[Any] | AsyncIterable[Any], cutter: BatchCutter) -> None:
        async for item in each(source):
            try:
                full = cutter.add(*self._job.encoded(item, cutter.next_index))
            except InvalidArgument as error:
                # What came before it is written, as if the source had ended here.
                await self._finish(cutter.rest())
                raise self._job.failure(error, cutter.next_index, None) from error
            if full is not None:
                await self._send(full)
        await self._finish(cutter.rest())

    async def _send(self, batch: Batch) -> None:
        while len(self._tasks) >= self._size or (self._tasks and self._tasks[0][1].done()):
            await self._collect()
        if self._failure is not None:
            await self._finish(None)
        self._start(batch)
        # The task sends the batch now, and not when the source has filled the next one.
        await asyncio.sleep(0)

    def _start(self, batch: Batch) -> None:
        task = asyncio.ensure_future(self._client.call(self._job.call(batch.members)))
        self._tasks.append((batch, task))

    async def _collect(self) -> None:
        batch, task = self._tasks[0]
        try:
            # Shielded, so that `cancel` decides what becomes of the task.
            result = await asyncio.shield(task)
        except NeedletailError as error:
            self._tasks.popleft()
            self._failure = self._failure or (error, batch)
            return
        self._tasks.popleft()
        self._job.acknowledge(batch, result)
        if self._progress is not None:
            self._progress(self._job.progress)

    async def _finish(self, last: Batch | None) -> None:
        """Waits for everything, then raises the first failure."""
        if last is not None and self._failure is None:
            self._start(last)
        while self._tasks:
            await self._collect()
        if self._failure is not None:
            error, batch = self._failure
            raise self._job.failure(error, batch.first, batch) from error

    async def cancel(self) -> None:
        """Ends what is under way still."""
        tasks = [task for _, task in self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
