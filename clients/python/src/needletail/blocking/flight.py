"""A request on its way."""

from __future__ import annotations

from typing import Generic, TypeVar

from ..call import Call
from ..errors import NeedletailError

T = TypeVar("T")


class Flight(Generic[T]):
    """A request under way, until it has a result or an error."""

    def __init__(self, call: Call[T], number: int, expires: float) -> None:
        self.call = call
        self.number = number
        self.expires = expires
        self.attempts = 0
        self.not_before = 0.0
        self.is_done = False
        self.error: NeedletailError | None = None
        self._value: T | None = None

    def succeed(self, value: T) -> None:
        self._value = value
        self.is_done = True

    def fail(self, error: NeedletailError, *, unknown: bool = False) -> None:
        """``unknown``: the request left, and no answer to it came."""
        error.may_have_been_executed = unknown and self.call.writes
        self.error = error
        self.is_done = True

    def value(self) -> T:
        if self.error is not None:
            raise self.error
        return self._value  # type: ignore[return-value]
