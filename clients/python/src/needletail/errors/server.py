"""Errors that the server answers with: a class per kind of the protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .local import InvalidReply, NeedletailError


@dataclass(frozen=True)
class PointConflict:
    """A point that was not as a write demanded: its version now, 0 when there is no such point."""

    id: int | str
    version: int


class ServerError(NeedletailError):
    """The server refused the request. Its kinds have classes of their own; this one stands for kinds of later versions.

    code            JSON-RPC code
    kind            the kind by its name in the protocol, such as ``not_found``
    at              the place within the parameters (``points[3].vector[17]``), the key of the envelope, or ``byte 123``
    expected, got   what was wrong there, where it helps
    retry_after_ms  how long the server asks to wait, in milliseconds
    conflicts       of ``Conflict``: the points whose version or absence was not as demanded
    """

    kind = "unknown"

    def __init__(
        self,
        message: str,
        *,
        kind: str | None = None,
        code: int = 0,
        retryable: bool = False,
        at: str | None = None,
        expected: str | None = None,
        got: str | None = None,
        retry_after_ms: int | None = None,
        conflicts: tuple[PointConflict, ...] = (),
    ) -> None:
        super().__init__(message, retryable=retryable)
        if kind is not None:
            self.kind = kind
        self.code = code
        self.at = at
        self.expected = expected
        self.got = got
        self.retry_after_ms = retry_after_ms
        self.conflicts = conflicts

    def __str__(self) -> str:
        place = f" at {self.at}" if self.at else ""
        return f"{self.message} ({self.kind}{place})"


class ParseError(ServerError):
    """The line was not JSON."""


class InvalidRequest(ServerError):
    """The envelope of the request was wrong."""


class UnknownMethod(ServerError):
    """The server has no such method, or not yet."""


class InvalidParams(ServerError):
    """A parameter is missing, unknown, of the wrong type or out of range."""


class InternalError(ServerError):
    """A mistake of the server; its log says more."""


class Unauthenticated(ServerError):
    """The server wants an API key, or another one."""


class Forbidden(ServerError):
    """The role of the API key does not allow it."""


class LineTooLong(ServerError):
    """The request was longer than the server takes."""


class LimitExceeded(ServerError):
    """More than a limit of the server allows."""


class NotFound(ServerError):
    """No such collection, point, snapshot, alias, index, job or cursor."""


class AlreadyExists(ServerError):
    """The name is taken."""


class Conflict(ServerError):
    """A version or condition was not met; see ``conflicts``."""


class DimensionMismatch(ServerError):
    """A vector has another length than its space."""


class ModelMismatch(ServerError):
    """The vectors of the collection come from another model."""


class InvalidVector(ServerError):
    """Not finite, not base64, or zero where the metric is cosine."""


class DeadlineExceeded(ServerError):
    """The deadline passed before the server had the answer."""


class Cancelled(ServerError):
    """The request was cancelled."""


class Overloaded(ServerError):
    """Too much at once; retried by itself."""


class Loading(ServerError):
    """The collection is being loaded; retried by itself."""


class Draining(ServerError):
    """The server is shutting down; retried by itself."""


class ReadOnly(ServerError):
    """The collection takes no writes."""


class DiskFull(ServerError):
    """No space for new data."""


class StorageFailed(ServerError):
    """The disk failed."""


class Corruption(ServerError):
    """Stored data is damaged."""


class MemoryBudget(ServerError):
    """The write would exceed the memory budget."""


KINDS: dict[str, type[ServerError]] = {
    "parse_error": ParseError,
    "invalid_request": InvalidRequest,
    "unknown_method": UnknownMethod,
    "invalid_params": InvalidParams,
    "internal": InternalError,
    "unauthenticated": Unauthenticated,
    "forbidden": Forbidden,
    "line_too_long": LineTooLong,
    "limit_exceeded": LimitExceeded,
    "not_found": NotFound,
    "already_exists": AlreadyExists,
    "conflict": Conflict,
    "dimension_mismatch": DimensionMismatch,
    "model_mismatch": ModelMismatch,
    "invalid_vector": InvalidVector,
    "deadline": DeadlineExceeded,
    "cancelled": Cancelled,
    "overloaded": Overloaded,
    "loading": Loading,
    "draining": Draining,
    "read_only": ReadOnly,
    "disk_full": DiskFull,
    "storage_failed": StorageFailed,
    "corruption": Corruption,
    "memory_budget": MemoryBudget,
}
for _name, _class in KINDS.items():
    _class.kind = _name


def server_error(error: Any) -> ServerError:
    """The exception for the ``error`` member of a reply. Raises ``InvalidReply`` if that is none."""
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        raise InvalidReply("an error of the server has no message")
    data = error.get("data")
    data = data if isinstance(data, dict) else {}
    kind, code, wait = data.get("kind"), error.get("code"), data.get("retry_after_ms")
    kind = kind if isinstance(kind, str) else "unknown"

    def text(name: str) -> str | None:
        value = data.get(name)
        return value if isinstance(value, str) else None

    conflicts = data.get("conflicts")
    return KINDS.get(kind, ServerError)(
        error["message"],
        kind=kind,
        code=code if isinstance(code, int) else 0,
        retryable=data.get("retryable") is True,
        at=text("at"),
        expected=text("expected"),
        got=text("got"),
        retry_after_ms=wait if isinstance(wait, int) else None,
        conflicts=tuple(
            PointConflict(each["id"], each["version"])
            for each in (conflicts if isinstance(conflicts, list) else [])
            if isinstance(each, dict) and "id" in each and "version" in each
        ),
    )
