"""A connection for asyncio: streams and the conversation on them. Any number of tasks of one event loop."""

from __future__ import annotations

import asyncio
import copy
import math
import socket
from typing import Any

from ..call import Call, nothing
from ..configuration import Configuration, deadline_ms
from ..conversation import Conversation, Greeting, ProgressReport, Reply
from ..errors import ConnectionFailed, ConnectionLost, NeedletailError, TimedOut, Unauthenticated
from ..methods.server import login

READ_BYTES = 1 << 18


class AsyncConnection:
    """Times are those of the loop's clock; ``math.inf`` is never."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._conversation = Conversation()
        self._waiting: dict[int, tuple[Call[Any], asyncio.Future[Reply]]] = {}
        self._slots = asyncio.Semaphore(1)
        self._listener: asyncio.Task[None] | None = None
        #: Why the connection is of no use any more.
        self.failure: NeedletailError | None = None

    @staticmethod
    async def open(configuration: Configuration, expires: float) -> AsyncConnection:
        """Connects, waits for the greeting, logs in. Raises ``ConnectionFailed``, ``InvalidReply``, ``TimedOut``, ``ServerError``."""
        address = configuration.address
        wait = expires - asyncio.get_running_loop().time()
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(address.host, address.port), None if math.isinf(wait) else max(wait, 0.001)
            )
        except (OSError, asyncio.TimeoutError) as error:
            reason = str(error) or "timed out"
            raise ConnectionFailed(f"no connection to {address}: {reason}") from error
        channel = writer.get_extra_info("socket")
        if channel is not None:
            # Finds out about a machine that is gone, also for calls that wait for ever.
            channel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection = AsyncConnection(reader, writer)
        try:
            await connection._begin(configuration, expires)
        except ConnectionLost as error:
            await connection.close()
            raise ConnectionFailed(f"no connection to {address}: {error}") from error
        except BaseException:
            await connection.close()
            raise
        return connection

    @property
    def greeting(self) -> Greeting:
        """What the server said first."""
        greeting = self._conversation.greeting
        assert greeting is not None, "open() waits for it"
        return greeting

    async def _begin(self, configuration: Configuration, expires: float) -> None:
        while self._conversation.greeting is None:
            wait = expires - self._loop.time()
            try:
                await asyncio.wait_for(self._read(), None if math.isinf(wait) else max(wait, 0.001))
            except asyncio.TimeoutError:
                raise TimedOut(
                    f"{configuration.address} accepted the connection, but sent no greeting in time"
                ) from None
        # One is left free, so that a cancellation can always be sent.
        self._slots = asyncio.Semaphore(max(1, self.greeting.limits.in_flight - 1))
        self._listener = self._loop.create_task(self._listen())
        if self.greeting.auth == "none":
            return
        if configuration.api_key is None:
            raise Unauthenticated("the server wants an API key: Client(api_key=...), or NEEDLETAIL_API_KEY")
        call = login(configuration.api_key)
        try:
            reply = await self.request(call, expires)
        except RequestLost as lost:
            raise lost.cause from None
        if reply.error is not None:
            raise reply.error
        call.result(reply.result)

    async def request(self, call: Call[Any], expires: float) -> Reply:
        """Sends a request and waits for its answer. Raises ``TimedOut``, ``InvalidArgument``, ``RequestLost`` if the connection
        broke after the request had left, and ``ConnectionLost`` if before. A task that is cancelled meanwhile cancels the
        request on the server."""
        await self._take_slot(call, expires)
        id: int | None = None
        timer: asyncio.TimerHandle | None = None
        try:
            if self.failure is not None:
                raise ConnectionLost(f"not sent: {self.failure}")
            id, line = self._conversation.request(call, deadline_ms(expires - self._loop.time()))
            future: asyncio.Future[Reply] = self._loop.create_future()
            self._waiting[id] = (call, future)
            # No drain: the slots bound what can pile up here, and time-outs how long.
            self._writer.write(line)
            if not math.isinf(expires):
                timer = self._loop.call_at(expires, _time_out, future, call)
            return await future
        finally:
            self._slots.release()
            if timer is not None:
                timer.cancel()
            if id is not None and self._waiting.pop(id, None) is not None:
                self._abandon(id)

    async def _take_slot(self, call: Call[Any], expires: float) -> None:
        if not self._slots.locked() or math.isinf(expires):
            await self._slots.acquire()
            return
        try:
            await asyncio.wait_for(self._slots.acquire(), max(0.0, expires - self._loop.time()))
        except asyncio.TimeoutError:
            raise TimedOut(f"{call.method}: not sent in time") from None

    def _abandon(self, id: int) -> None:
        self._conversation.forget(id)
        if self.failure is None:
            cancel: Call[Any] = Call("server.cancel", {"id": id}, nothing)
            number, line = self._conversation.request(cancel, None)
            self._conversation.forget(number)
            self._writer.write(line)

    async def _listen(self) -> None:
        try:
            while True:
                await self._read()
        except NeedletailError as error:
            self._fail(error)

    async def _read(self) -> None:
        try:
            data = await self._reader.read(READ_BYTES)
        except OSError as error:
            raise ConnectionLost(f"the connection broke: {error}") from error
        if not data:
            raise self._conversation.end()
        for event in self._conversation.receive(data):
            if isinstance(event, ProgressReport):
                self._report(event)
                continue
            _, future = self._waiting.pop(event.id, (None, None))
            if future is not None and not future.done():
                future.set_result(event)

    def _report(self, report: ProgressReport) -> None:
        call, future = self._waiting.get(report.id, (None, None))
        if call is None or call.progress is None or future is None or future.done():
            return
        try:
            call.progress(report.phase, report.done, report.total)
        except Exception as error:
            # It belongs to whoever gave the callback, not to everybody on this connection.
            future.set_exception(error)

    def _fail(self, error: NeedletailError) -> None:
        """Ends the connection, and with it whatever waits."""
        if self.failure is None:
            self.failure = error
        # At once: a server that does not read would keep `close` waiting until it takes what is buffered.
        self._writer.transport.abort()
        waiting, self._waiting = self._waiting, {}
        for call, future in waiting.values():
            if not future.done():
                future.set_exception(RequestLost(copy.copy(error)))

    async def close(self) -> None:
        """Closes the connection; what waits fails."""
        self._fail(ConnectionLost("the client was closed"))
        if self._listener is not None:
            self._listener.cancel()
        try:
            await self._writer.wait_closed()
        except OSError:
            pass  # it was broken already


def _time_out(future: asyncio.Future[Reply], call: Call[Any]) -> None:
    if not future.done():
        error = TimedOut(f"{call.method}: no answer in time")
        error.may_have_been_executed = call.writes
        future.set_exception(error)


class RequestLost(Exception):
    """The connection broke while a request was under way on it; ``cause`` says why."""

    def __init__(self, cause: NeedletailError) -> None:
        super().__init__(str(cause))
        self.cause = cause
