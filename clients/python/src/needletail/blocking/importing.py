"""Imports by the blocking client: batches in a window on one connection."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from ..batches import Batch, BatchCutter
from ..errors import InvalidArgument, NeedletailError
from ..imports import Import
from .channel import Channel
from .flight import Flight
from .pool import ConnectionPool

R = TypeVar("R")


def run_import(
    job: Import[R],
    pool: ConnectionPool,
    source: Iterable[Any],
    count: int,
    bytes: int,
    in_flight: int,
    progress: Callable[[Any], None] | None,
) -> None:
    """Imports everything, or raises ``ImportFailed``. An exception of the source or of ``progress`` comes through as it is."""
    if in_flight < 1:
        raise InvalidArgument(f"{in_flight} batches", at="in_flight")
    channel = Channel(pool, window=in_flight)
    try:
        _Window(job, channel, in_flight, progress).run(source, count, bytes)
    finally:
        channel.release()


class _Window:
    """Batches under way, the oldest first."""

    def __init__(
        self, job: Import[Any], channel: Channel, size: int, progress: Callable[[Any], None] | None
    ) -> None:
        self._job = job
        self._channel = channel
        self._size = size
        self._progress = progress
        self._flights: deque[tuple[Batch, Flight[Any]]] = deque()
        self._failure: tuple[NeedletailError, Batch] | None = None

    def run(self, source: Iterable[Any], count: int, bytes: int) -> None:
        try:
            cutter = BatchCutter(self._channel.limits(), count=count, bytes=bytes)
        except NeedletailError as error:
            raise self._job.failure(error, 0, None) from error
        for item in source:
            try:
                full = cutter.add(*self._job.encoded(item, cutter.next_index))
            except InvalidArgument as error:
                # What came before it is written, as if the source had ended here.
                self._finish(cutter.rest())
                raise self._job.failure(error, cutter.next_index, None) from error
            if full is not None:
                self._send(full)
        self._finish(cutter.rest())

    def _send(self, batch: Batch) -> None:
        self._flights.append((batch, self._channel.submit(self._job.call(batch.members))))
        while len(self._flights) > self._size or (self._flights and self._flights[0][1].is_done):
            self._collect()
        if self._failure is not None:
            self._finish(None)

    def _collect(self) -> None:
        batch, flight = self._flights.popleft()
        try:
            result = self._channel.wait(flight)
        except NeedletailError as error:
            self._failure = self._failure or (error, batch)
            return
        self._job.acknowledge(batch, result)
        if self._progress is not None:
            self._progress(self._job.progress)

    def _finish(self, last: Batch | None) -> None:
        """Waits for everything, then raises the first failure."""
        if last is not None and self._failure is None:
            self._flights.append((last, self._channel.submit(self._job.call(last.members))))
        while self._flights:
            self._collect()
        if self._failure is not None:
            error, batch = self._failure
            raise self._job.failure(error, batch.first, batch) from error
