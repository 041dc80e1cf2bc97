"""Texts into vectors (``text.embed``), and moving a collection to another model (``reembed.*``)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..call import Call
from ..reading import Malformed, reader
from ..vectors import Vector
from .collections import StartedJob
from .server import Model


@dataclass
class _Embedded:
    vectors: list[Vector]
    model: Model
    tokens: int
    truncated: int


@dataclass
class Embedded:
    """``vectors``: float32 of shape ``(texts, dimensions)``, a row each, of unit length. ``truncated`` texts were longer than
    the model reads."""

    vectors: Vector
    model: Model
    tokens: int
    truncated: int


@dataclass
class ModelName:
    """A model by name and fingerprint."""

    name: str
    fingerprint: str


@dataclass
class Scores:
    """Mean and standard deviation."""

    mean: float
    deviation: float


@dataclass
class Comparison:
    """How alike both models answer the queries that clients asked lately."""

    queries: int
    overlap_at_10: float | None = None
    rank_correlation: float | None = None
    scores_now: Scores | None = None
    scores_then: Scores | None = None


@dataclass
class Reembedding:
    """How far moving to another model is. ``state``: embedding, ready or cut_over. ``pending`` points were written meanwhile,
    ``without_text`` have nothing to embed."""

    collection: str
    model: ModelName
    state: str
    done: int
    total: int
    embedded: int
    pending: int
    without_text: int
    compared: Comparison
    using: str | None = None
    rollback_until_ms: int | None = None
    reason: str | None = None


@dataclass
class RolledBack:
    """The write that brought the old model back."""

    lsn: int


def embed(
    texts: Iterable[str],
    *,
    kind: Literal["passage", "query"] | None = None,
    model: str | None = None,
    timeout: float | None = None,
) -> Call[Embedded]:
    """Texts into vectors by the server's model: passages (what is stored) or queries. Raises ``ModelMismatch`` and, if the
    server has no model, ``InvalidParams``."""
    read_embedded = reader(_Embedded)
    sent = [texts] if isinstance(texts, str) else list(texts)

    def read(value: Any) -> Embedded:
        result = read_embedded(value)
        if len(result.vectors) != len(sent) or len({len(vector) for vector in result.vectors}) > 1:
            raise Malformed("not a vector of the same length for each text").inside(".vectors")
        rows = np.stack(result.vectors) if result.vectors else np.empty((0, result.model.dimensions), np.float32)
        return Embedded(rows, result.model, result.tokens, result.truncated)

    params = {"texts": sent, "kind": kind, "model": model, "vector_encoding": "base64"}
    return Call("text.embed", params, read, timeout=timeout)


def start_reembedding(
    collection: str, model: str, *, using: str | None = None, timeout: float | None = None
) -> Call[StartedJob]:
    """Begins to embed a collection's texts with another model of the server; searches go on with the old one."""
    params = {"collection": collection, "model": model, "using": using}
    return Call("reembed.start", params, reader(StartedJob), repeatable=False, writes=True, timeout=timeout)


def get_reembedding(collection: str, *, timeout: float | None = None) -> Call[Reembedding]:
    """How far it is, and how alike both models answer. Raises ``NotFound`` if there is none."""
    return Call("reembed.status", {"collection": collection}, reader(Reembedding), timeout=timeout)


def cut_over(collection: str, *, force: bool = False, timeout: float | None = None) -> Call[Reembedding]:
    """Switches to the other model; with ``force`` also when the server advises against it. Raises ``Conflict``."""
    params = {"collection": collection, "force": force or None}
    return Call("reembed.cutover", params, reader(Reembedding), repeatable=False, writes=True, timeout=timeout)


def roll_back(collection: str, *, timeout: float | None = None) -> Call[RolledBack]:
    """Switches back, or gives the re-embedding up. Raises ``Conflict``."""
    params = {"collection": collection}
    return Call("reembed.rollback", params, reader(RolledBack), repeatable=False, writes=True, timeout=timeout)
