"""Indexes of payload fields, which make filters on their keys fast: ``index.*``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from ..call import Call
from ..reading import reader

IndexType = Literal["keyword", "integer", "float", "bool", "datetime", "geo", "text"]


@dataclass
class CreatedIndex:
    """``job`` is the id of the work that builds the index."""

    lsn: int
    job: str


@dataclass
class DroppedIndex:
    """The write that dropped it."""

    lsn: int


@dataclass
class Index:
    """An index. ``state``: ready, or building while data is not covered yet."""

    key: str
    type: str
    state: str
    tenant: bool = False
    options: dict[str, Any] | None = None


@dataclass
class _Indexes:
    indexes: list[Index]


def create_index(
    collection: str,
    key: str,
    type: IndexType,
    *,
    tenant: bool = False,
    stemming: Literal["none", "english"] | None = None,
    stop_words: Iterable[str] | None = None,
    timeout: float | None = None,
) -> Call[CreatedIndex]:
    """Starts to build an index; ``wait_for(job)`` waits for it. It never changes an answer.

    tenant                with keyword: points of one value are stored side by side
    stemming, stop_words  with text

    Raises ``AlreadyExists`` if the key has one.
    """
    options: dict[str, Any] = {}
    if stemming is not None:
        options["stemming"] = stemming
    if stop_words is not None:
        options["stop_words"] = list(stop_words)
    params = {
        "collection": collection,
        "key": key,
        "type": type,
        "tenant": tenant or None,
        "options": options or None,
    }
    return Call("index.create", params, reader(CreatedIndex), repeatable=False, writes=True, timeout=timeout)


def delete_index(collection: str, key: str, *, timeout: float | None = None) -> Call[DroppedIndex]:
    """Drops the index of a key."""
    params = {"collection": collection, "key": key}
    return Call("index.delete", params, reader(DroppedIndex), repeatable=False, writes=True, timeout=timeout)


def list_indexes(collection: str, *, timeout: float | None = None) -> Call[list[Index]]:
    """The indexes of a collection."""
    read = reader(_Indexes)
    return Call("index.list", {"collection": collection}, lambda value: read(value).indexes, timeout=timeout)
