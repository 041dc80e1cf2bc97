"""A call of one method: what is sent, what its result becomes, what may be repeated. Clients send calls; who builds them and
who sends them know nothing of each other."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from . import encoding
from .errors import InvalidReply, ServerError
from .reading import Malformed

T = TypeVar("T")
Progress = Callable[[str, int, int], None]
"""Called with phase, done and total while the server reports how far a long call is."""


@dataclass(frozen=True)
class Call(Generic[T]):
    """One method with its parameters.

    repeatable  doing it twice is the same as doing it once
    writes      it changes something, so without an answer it may have been executed
    timeout     seconds for all attempts together; ``None`` is the client's, ``math.inf`` waits for ever
    encoded     one more parameter, as JSON already: its name and text
    recover     gives the result in place of an error of the server, or raises
    """

    method: str
    params: dict[str, Any]
    read: Callable[[Any], T]
    repeatable: bool = True
    writes: bool = False
    timeout: float | None = None
    encoded: tuple[str, bytes] | None = None
    recover: Callable[[ServerError], T] | None = None
    progress: Progress | None = field(default=None, compare=False)

    def line(self, id: int, deadline_ms: int | None) -> bytes:
        """The request's line. Absent parameters are left out. Raises ``InvalidArgument``."""
        params = {key: value for key, value in self.params.items() if value is not None}
        if deadline_ms is not None:
            params["deadline_ms"] = deadline_ms
        text = encoding.encode(params, at=self.method)
        if self.encoded is not None:
            name, value = self.encoded
            text = b'%s%s"%s":%s}' % (text[:-1], b"," if params else b"", name.encode(), value)
        return encoding.request(id, self.method, text)

    def result(self, value: Any) -> T:
        """The result from its JSON. Raises ``InvalidReply``."""
        try:
            return self.read(value)
        except Malformed as error:
            raise InvalidReply(f"the answer to {self.method} is malformed: {error}") from None

    def failed(self, error: ServerError) -> T:
        """The result in place of an error, or the error."""
        if self.recover is None:
            raise error
        return self.recover(error)


def operation_key(given: str | None) -> str:
    """The key under which a write is executed at most once however often it is sent: the caller's, or a new one."""
    return given if given is not None else uuid.uuid4().hex


def nothing(value: Any) -> None:
    """Reads a result that says nothing."""
