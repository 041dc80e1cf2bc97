"""The client for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable
from types import TracebackType
from typing import TypeVar

from ..call import Call
from ..configuration import Configuration
from ..conversation import Limits
from ..errors import ClientClosed, ConnectionFailed, NeedletailError, ServerError
from ..imports import ImportedDocuments, ImportedPoints, document_import, point_import
from ..methods.documents import Document
from ..points import Point
from ..retry import RetryPolicy
from .connection import AsyncConnection, RequestLost
from .importing import run_import
from .sequences import AsyncSequences

T = TypeVar("T")


class AsyncClient(AsyncSequences):
    """A Needletail server, for any number of tasks of one event loop: their requests share a connection and are under way at
    once, so ``asyncio.gather`` is all that pipelining needs. Parameters are those of ``Client``, and so are methods and errors.

    Requests that one task awaits one after the other are applied in that order. A cancelled task cancels its request on the
    server.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: str | None = None,
        timeout: float = 30.0,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._configuration = Configuration.of(url, api_key, timeout, retry)
        self._connection: AsyncConnection | None = None
        self._connecting: asyncio.Lock | None = None
        self._paused: asyncio.Future[None] | None = None
        self._reached = False
        self._closed = False

    async def call(self, call: Call[T]) -> T:
        """Sends a call and waits for its result."""
        loop = asyncio.get_running_loop()
        expires = loop.time() + self._configuration.seconds(call.timeout)
        attempt = 0
        while True:
            attempt += 1
            sent = False
            try:
                connection = await self._connected(expires)
                reply = await connection.request(call, expires)
                return call.result(reply.result) if reply.error is None else call.failed(reply.error)
            except RequestLost as lost:
                error, sent = lost.cause, True
            except NeedletailError as failure:
                error = failure
            delay = self._configuration.retry.delay(
                error, attempt=attempt, repeatable=call.repeatable, sent=sent
            )
            if delay is None or loop.time() + delay >= expires:
                error.may_have_been_executed = error.may_have_been_executed or (sent and call.writes)
                raise error
            if isinstance(error, ServerError):
                await asyncio.sleep(delay)
            else:
                await self._pause(delay)

    async def _pause(self, delay: float) -> None:
        """The wait after a lost connection is one for all, so that they are sent again in their order."""
        if self._paused is None or self._paused.done():
            loop = asyncio.get_running_loop()
            paused: asyncio.Future[None] = loop.create_future()
            loop.call_later(delay, paused.set_result, None)
            self._paused = paused
        await asyncio.shield(self._paused)

    async def _connected(self, expires: float) -> AsyncConnection:
        if self._connection is not None and self._connection.failure is None:
            return self._connection
        if self._paused is not None and not self._paused.done():
            await asyncio.shield(self._paused)
        if self._closed:
            raise ClientClosed("the client was closed")
        if self._connecting is None:
            self._connecting = asyncio.Lock()
        async with self._connecting:
            if self._closed:
                raise ClientClosed("the client was closed")
            if self._connection is None or self._connection.failure is not None:
                try:
                    self._connection = await AsyncConnection.open(self._configuration, expires)
                except ConnectionFailed as error:
                    error.retryable = self._reached
                    raise
                self._reached = True
            return self._connection

    async def close(self) -> None:
        """Closes the connection. Calls under way fail, calls afterwards raise ``ClientClosed``."""
        self._closed = True
        if self._connection is not None:
            await self._connection.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"AsyncClient({str(self._configuration.address)!r})"

    async def import_points(
        self,
        collection: str,
        points: Iterable[Point] | AsyncIterable[Point],
        *,
        if_absent: bool = False,
        model: str | None = None,
        batch_count: int = 500,
        batch_bytes: int = 4 << 20,
        in_flight: int = 4,
        progress: Callable[[ImportedPoints], None] | None = None,
        timeout: float | None = None,
    ) -> ImportedPoints:
        """Like ``Client.import_points``, from an asynchronous iterable too."""
        job = point_import(collection, if_absent=if_absent, model=model, timeout=timeout)
        await run_import(job, self, self._limits, points, batch_count, batch_bytes, in_flight, progress)
        counted: ImportedPoints = job.progress
        return counted

    async def import_documents(
        self,
        collection: str,
        documents: Iterable[Document] | AsyncIterable[Document],
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
        """Like ``Client.import_documents``, from an asynchronous iterable too."""
        job = document_import(
            collection, max_tokens=max_tokens, overlap_tokens=overlap_tokens, model=model, timeout=timeout
        )
        await run_import(job, self, self._limits, documents, batch_count, batch_bytes, in_flight, progress)
        counted: ImportedDocuments = job.progress
        return counted

    async def _limits(self) -> Limits:
        while self._connection is None or self._connection.failure is not None:
            await self.ping()
        return self._connection.greeting.limits
