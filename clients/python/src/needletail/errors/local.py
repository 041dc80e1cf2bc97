"""The root of all errors, and those that the client finds by itself."""

from __future__ import annotations


class NeedletailError(Exception):
    """What went wrong, with ``kind`` for programs.

    ``may_have_been_executed`` is true when a write was sent and no answer came, so nobody knows whether it happened.
    False means that surely nothing was changed. ``retryable`` says whether the same request may succeed later.
    """

    kind = "error"

    def __init__(self, message: str, *, retryable: bool = False, may_have_been_executed: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.retryable = retryable
        self.may_have_been_executed = may_have_been_executed

    def __str__(self) -> str:
        return self.message


class ConnectionFailed(NeedletailError, ConnectionError):
    """No connection could be made."""

    kind = "connection_failed"


class ConnectionLost(NeedletailError, ConnectionError):
    """The connection ended while the request was under way."""

    kind = "connection_lost"


class TimedOut(NeedletailError, TimeoutError):
    """No answer came within the time-out."""

    kind = "timed_out"


class InvalidReply(NeedletailError):
    """The peer does not speak the protocol, or not as it should. The connection is closed."""

    kind = "invalid_reply"


class InvalidArgument(NeedletailError, ValueError):
    """Refused by the client before anything was sent. ``at`` is the place, as in ``points[3].vector[17]``."""

    kind = "invalid_argument"

    def __init__(self, message: str, *, at: str | None = None) -> None:
        super().__init__(message)
        self.at = at

    def __str__(self) -> str:
        return f"{self.at}: {self.message}" if self.at else self.message

    def inside(self, place: str) -> InvalidArgument:
        """The same error seen from outside: ``vector[17]`` becomes ``points[3].vector[17]``."""
        return InvalidArgument(self.message, at=f"{place}.{self.at}" if self.at else place)


class ClientClosed(NeedletailError):
    """``close()`` was called."""

    kind = "client_closed"
