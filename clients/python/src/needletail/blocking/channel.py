"""Requests under way on one connection: in order, with time-outs, retries and reconnecting. One thread at a time."""

from __future__ import annotations

import bisect
import copy
import math
import time
from typing import Any, TypeVar

from ..call import Call
from ..conversation import Event, Limits, ProgressReport, Reply
from ..errors import ConnectionFailed, ConnectionLost, InvalidArgument, NeedletailError, ServerError, TimedOut
from ..methods.server import ping
from .connection import Connection
from .flight import Flight
from .pool import ConnectionPool

T = TypeVar("T")


class Channel:
    """Sends requests in the order of ``submit`` and matches their answers."""

    def __init__(self, pool: ConnectionPool, window: int | None = None) -> None:
        self._pool = pool
        self._window = window
        self._connection: Connection | None = None
        self._queue: list[Flight[Any]] = []
        self._flying: dict[int, Flight[Any]] = {}
        self._count = 0
        # No request expires earlier than this.
        self._soonest = math.inf
        # Nothing is sent before: the time to wait after a connection was lost.
        self._paused_until = 0.0

    def submit(self, call: Call[T]) -> Flight[T]:
        """Sends a request, or as much as is possible without waiting for answers, unless too many are under way."""
        seconds = self._pool.configuration.seconds(call.timeout)
        flight = Flight(call, self._count, time.monotonic() + seconds)
        self._count += 1
        self._queue.append(flight)
        self._soonest = min(self._soonest, flight.expires)
        while not flight.is_done and flight.attempts == 0:
            self._step()
        return flight

    def wait(self, flight: Flight[T]) -> T:
        """The result, or the error as an exception."""
        while not flight.is_done:
            self._step()
        return flight.value()

    def wait_for_all(self) -> None:
        """Waits until every request has a result or an error."""
        while self._queue or self._flying:
            self._step()

    def limits(self) -> Limits:
        """What the server takes, connecting if need be."""
        while self._connection is None:
            self.wait(self.submit(ping()))
        return self._connection.greeting.limits

    def release(self) -> None:
        """Gives the connection back. The pool closes it if something is still under way on it."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            self._pool.give_back(connection)
        self._queue.clear()
        self._flying.clear()

    def _connected(self, expires: float) -> Connection:
        if self._connection is None:
            self._connection = self._pool.take(expires)
        return self._connection

    def _step(self) -> None:
        """Does one thing: lets time-outs happen, sends a request, or waits for what comes next."""
        now = time.monotonic()
        next_to_expire = self._expire(now)
        flight = self._next_to_send(now)
        try:
            if flight is not None:
                self._send(flight)
            elif self._connection is not None and self._flying:
                self._deliver(self._connection.receive(min(next_to_expire, self._next_retry(now))))
            elif self._queue:
                time.sleep(max(0.0, min(next_to_expire, self._next_retry(now)) - now))
        except NeedletailError as error:
            self._lose_connection(error)

    def _next_to_send(self, now: float) -> Flight[Any] | None:
        if not self._queue or now < self._paused_until:
            return None
        if self._connection is not None and len(self._flying) >= self._most_in_flight(self._connection):
            return None
        return next((flight for flight in self._queue if flight.not_before <= now), None)

    def _most_in_flight(self, connection: Connection) -> int:
        # At the limit the server stops reading; one less keeps it listening.
        limit = max(1, connection.greeting.limits.in_flight - 1)
        return limit if self._window is None else min(limit, self._window)

    def _next_retry(self, now: float) -> float:
        # What could go now but does not is waiting for the pause, or for an answer to make room.
        waits = (max(flight.not_before, self._paused_until) for flight in self._queue)
        return min((moment for moment in waits if moment > now), default=math.inf)

    def _send(self, flight: Flight[Any]) -> None:
        flight.attempts += 1
        try:
            connection = self._connected(flight.expires)
        except ConnectionFailed as error:
            # It would be the same for all that wait.
            for each in list(self._queue):
                each.attempts = max(each.attempts, flight.attempts)
                self._settle(each, copy.copy(error), together=True)
            return
        except NeedletailError as error:
            self._settle(flight, error)
            return
        try:
            id = connection.send(flight.call, flight.expires)
        except InvalidArgument as error:
            self._queue.remove(flight)
            flight.fail(error)
            return
        except NeedletailError as error:
            self._settle(flight, error, together=True)
            raise
        self._queue.remove(flight)
        self._flying[id] = flight
        self._deliver(connection.arrived())

    def _deliver(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, ProgressReport):
                flight = self._flying.get(event.id)
                if flight is not None and flight.call.progress is not None:
                    flight.call.progress(event.phase, event.done, event.total)
            else:
                flight = self._flying.pop(event.id, None)
                if flight is not None:  # its time may have ended after its answer was read
                    self._finish(flight, event)

    def _finish(self, flight: Flight[Any], reply: Reply) -> None:
        try:
            if reply.error is None:
                flight.succeed(flight.call.result(reply.result))
            else:
                flight.succeed(flight.call.failed(reply.error))
        except ServerError as error:
            self._settle(flight, error)
        except NeedletailError as error:
            flight.fail(error)

    def _settle(
        self, flight: Flight[Any], error: NeedletailError, *, unknown: bool = False, together: bool = False
    ) -> None:
        """After a failed attempt: another one later, or the end.

        unknown   the request left, and no answer to it came
        together  it is the same for all, and waits for all, so that they are sent again in their order
        """
        if flight in self._queue:
            self._queue.remove(flight)
        delay = self._pool.configuration.retry.delay(
            error, attempt=flight.attempts, repeatable=flight.call.repeatable, sent=unknown
        )
        now = time.monotonic()
        if delay is None or now + delay >= flight.expires:
            flight.fail(error, unknown=unknown)
            return
        if together:
            self._paused_until = max(self._paused_until, now + delay)
        else:
            flight.not_before = now + delay
        bisect.insort(self._queue, flight, key=lambda each: each.number)

    def _lose_connection(self, error: NeedletailError) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if isinstance(error, TimedOut):
            # It was the time of one request, which could not be sent to its end. The others have theirs.
            error = ConnectionLost("the server stopped reading")
        flying, self._flying = list(self._flying.values()), {}
        for flight in flying:
            self._settle(flight, copy.copy(error), unknown=True, together=True)

    def _expire(self, now: float) -> float:
        """Ends what took too long, and says when the next one may."""
        if now < self._soonest:
            return self._soonest
        for flight in [each for each in self._queue if each.expires <= now]:
            self._queue.remove(flight)
            flight.fail(TimedOut(f"{flight.call.method}: not sent in time"))
        for id, flight in [(id, each) for id, each in self._flying.items() if each.expires <= now]:
            del self._flying[id]
            flight.fail(TimedOut(f"{flight.call.method}: no answer in time"), unknown=True)
        left = [*self._queue, *self._flying.values()]
        self._soonest = min((flight.expires for flight in left), default=math.inf)
        return self._soonest
