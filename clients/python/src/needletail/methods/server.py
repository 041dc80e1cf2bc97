"""The server itself: ``server.*``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..call import Call
from ..conversation import Limits
from ..reading import reader


@dataclass
class CollectionSummary:
    """A collection in a list. ``state``: ready, loading, degraded or quarantined."""

    name: str
    points: int
    state: str


@dataclass
class Model:
    """A model that turns texts into vectors."""

    name: str
    fingerprint: str
    dimensions: int


@dataclass
class ServerInfo:
    """The server: ``kernel_tier`` is the instruction set of its distances, ``memory`` its bytes by purpose, ``model`` what
    takes texts (``None``: it takes none), ``embedding_cache`` counters of texts that were embedded before."""

    version: str
    uptime_ms: int
    kernel_tier: str
    memory: dict[str, int]
    limits: Limits
    collections: list[CollectionSummary]
    model: Model | None = None
    more_models: list[Model] = field(default_factory=list)
    embedding_cache: dict[str, Any] | None = None


@dataclass
class QualityAlert:
    """Something about a space that has become worse than the configuration allows."""

    kind: str
    space: str
    message: str


@dataclass
class CollectionHealth:
    """How a collection is, and why if it is not ready."""

    state: str
    reason: str | None = None
    alerts: list[QualityAlert] = field(default_factory=list)


@dataclass
class Health:
    """``status`` is ok or degraded. ``snapshots`` names those that are known to be damaged, with the reason."""

    status: str
    collections: dict[str, CollectionHealth]
    snapshots: dict[str, CollectionHealth] = field(default_factory=dict)


@dataclass
class Pong:
    """The server's clock: milliseconds since 1970."""

    now_ms: int


def ping(*, timeout: float | None = None) -> Call[Pong]:
    """Asks the server for a sign of life."""
    return Call("server.ping", {}, reader(Pong), timeout=timeout)


def info(*, timeout: float | None = None) -> Call[ServerInfo]:
    """Version, models, memory, limits and collections."""
    return Call("server.info", {}, reader(ServerInfo), timeout=timeout)


def health(*, timeout: float | None = None) -> Call[Health]:
    """How all collections are."""
    return Call("server.health", {}, reader(Health), timeout=timeout)


@dataclass
class Login:
    """What an API key allows: a role (admin, writer or reader), and the collections (``*`` for all of them)."""

    role: str
    collections: Any


def login(api_key: str) -> Call[Login]:
    """Sent by the clients on every new connection of a server that wants a key."""
    return Call("auth.login", {"api_key": api_key}, reader(Login))
