"""One connection's side of the protocol without a socket: bytes in, messages out. Whoever owns the socket feeds it what
arrives and sends what it makes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from .call import Call
from .errors import ConnectionLost, InvalidArgument, InvalidReply, NeedletailError, ServerError, server_error
from .reading import Malformed, reader

PROTOCOL = 1
# The greeting is a few hundred bytes. A peer that sends more without a line's end is something else.
GREETING_BYTES = 65_536
# However much a peer announces, no more than this is collected for one line.
LONGEST_LINE = 1 << 31


@dataclass(frozen=True)
class Limits:
    """What the server takes: bytes of a line, requests in flight on a connection, members of any array, components of a
    vector, milliseconds that a read waits for ``min_lsn``."""

    line_bytes: int
    in_flight: int
    batch_points: int
    dimensions: int
    wait_ms: int


@dataclass(frozen=True)
class Greeting:
    """What the server says first. ``protocol`` is the lowest and the highest version it speaks, ``auth`` is ``none`` or
    ``api_key``."""

    server: str
    version: str
    protocol: list[int]
    auth: str
    limits: Limits


@dataclass(frozen=True)
class Reply:
    """The answer to a request: ``error``, or ``result``."""

    id: int
    result: Any = None
    error: ServerError | None = None


@dataclass(frozen=True)
class ProgressReport:
    """How far a long request is."""

    id: int
    phase: str
    done: int
    total: int


Event = Reply | ProgressReport
_read_greeting = reader(Greeting)
_read_progress = reader(ProgressReport)


class Conversation:
    """Requests in flight by id, and the bytes of a line that is not complete yet."""

    def __init__(self) -> None:
        #: ``None`` until the server has spoken.
        self.greeting: Greeting | None = None
        self._next_id = 1
        self._in_flight: set[int] = set()
        self._forgotten: set[int] = set()
        self._buffer = bytearray()
        self._scanned = 0

    @property
    def is_quiet(self) -> bool:
        """Nothing is in flight, and nobody waits for the end of a line."""
        return not (self._in_flight or self._forgotten or self._buffer)

    @property
    def line_limit(self) -> int:
        """Bytes of the longest line that may arrive."""
        return min(self.greeting.limits.line_bytes, LONGEST_LINE) if self.greeting else GREETING_BYTES

    def request(self, call: Call[Any], deadline_ms: int | None) -> tuple[int, bytes]:
        """The id and line of a new request. Raises ``InvalidArgument``, also if the line is longer than the server takes."""
        id = self._next_id
        line = call.line(id, deadline_ms)
        if self.greeting and len(line) - 1 > self.greeting.limits.line_bytes:
            raise _too_long(call, len(line) - 1, self.greeting.limits.line_bytes)
        self._next_id += 1
        self._in_flight.add(id)
        return id, line

    def forget(self, id: int) -> None:
        """Nobody waits for this answer any more; it may still come."""
        if id in self._in_flight:
            self._in_flight.remove(id)
            self._forgotten.add(id)

    def receive(self, data: bytes) -> list[Event]:
        """What the bytes complete. Raises ``InvalidReply``, and a ``ServerError`` that belongs to no request; the connection
        is of no use afterwards."""
        self._buffer += data
        events: list[Event] = []
        start = 0
        while (end := self._buffer.find(b"\n", max(start, self._scanned))) >= 0:
            if end - start > self.line_limit:
                raise self._endless()
            line = bytes(self._buffer[start:end])
            start = end + 1
            if line.strip():
                event = self._message(line)
                if event is not None:
                    events.append(event)
        del self._buffer[:start]
        # What was looked at once is not looked at again, so a long line costs time in proportion to its length.
        self._scanned = len(self._buffer)
        if self._scanned > self.line_limit:
            raise self._endless()
        return events

    def end(self) -> NeedletailError:
        """The server closed the connection: the error for whoever still waits."""
        if self._buffer:
            return ConnectionLost("the connection was closed in the middle of an answer")
        if self.greeting is None:
            return ConnectionLost("the server closed the connection without a greeting")
        return ConnectionLost("the server closed the connection")

    def _endless(self) -> InvalidReply:
        if self.greeting is None:
            return InvalidReply(f"no Needletail server: no greeting within {GREETING_BYTES} bytes")
        return InvalidReply(f"an answer is longer than the {self.line_limit} bytes that the server announced")

    def _message(self, line: bytes) -> Event | None:
        try:
            message = json.loads(line, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise self._garbage(line) from None
        if not isinstance(message, dict):
            raise self._garbage(line)
        if message.get("id") is None and "error" in message:
            # About the connection or a line that the server could not read; so for every request on it.
            raise server_error(message["error"])
        try:
            if self.greeting is None:
                self._greet(message, line)
                return None
            if "method" in message:
                return self._notification(message)
        except Malformed as error:
            raise InvalidReply(f"{message.get('method')} is malformed: {error}") from None
        return self._reply(message, line)

    def _greet(self, message: dict[str, Any], line: bytes) -> None:
        if message.get("method") != "server.hello":
            raise self._garbage(line)
        greeting = _read_greeting(message.get("params"))
        limits = greeting.limits
        if greeting.server != "needletail" or min(limits.line_bytes, limits.in_flight, limits.batch_points) < 1:
            raise self._garbage(line)
        if len(greeting.protocol) != 2 or not greeting.protocol[0] <= PROTOCOL <= greeting.protocol[1]:
            raise InvalidReply(
                f"the server (version {greeting.version}) speaks protocol versions {greeting.protocol}, this client {PROTOCOL}"
            )
        self.greeting = greeting

    def _notification(self, message: dict[str, Any]) -> Event | None:
        if message["method"] != "server.progress":
            return None
        report = _read_progress(message.get("params"))
        return report if report.id in self._in_flight else None

    def _reply(self, message: dict[str, Any], line: bytes) -> Reply | None:
        id = message.get("id")
        if ("result" in message) == ("error" in message):
            raise self._garbage(line)
        # Other types are no ids of ours; and a list cannot even be looked up.
        if type(id) is int and id in self._forgotten:
            self._forgotten.remove(id)
            return None
        if type(id) is not int or id not in self._in_flight:
            raise InvalidReply(f"an answer to request {json.dumps(id)[:80]}, which nobody sent")
        self._in_flight.remove(id)
        if "error" in message:
            return Reply(id, error=server_error(message["error"]))
        return Reply(id, result=message["result"])

    def _garbage(self, line: bytes) -> InvalidReply:
        shown = re.sub(r"[^ -~]", "?", line[:120].decode("ascii", "replace"))
        if self.greeting is None:
            return InvalidReply(f"no Needletail server: it begins with {shown!r}")
        return InvalidReply(f"the server sent what is no answer: {shown!r}")


def _too_long(call: Call[Any], length: int, limit: int) -> InvalidArgument:
    return InvalidArgument(
        f"the request has {length} bytes, the server takes {limit}: send less at once", at=call.method
    )


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
