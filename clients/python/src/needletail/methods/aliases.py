"""Other names of collections: ``alias.*``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..call import Call, nothing
from ..reading import reader


@dataclass
class _Aliases:
    aliases: dict[str, str]


def set_aliases(aliases: Mapping[str, str], *, timeout: float | None = None) -> Call[None]:
    """Makes each name lead to its collection, all at once: ``{"live": "docs_v2"}``."""
    return Call("alias.set", {"aliases": dict(aliases)}, nothing, writes=True, timeout=timeout)


def delete_aliases(aliases: Iterable[str], *, timeout: float | None = None) -> Call[None]:
    """Deletes aliases, all at once."""
    names = [aliases] if isinstance(aliases, str) else list(aliases)
    return Call("alias.delete", {"aliases": names}, nothing, repeatable=False, writes=True, timeout=timeout)


def list_aliases(*, timeout: float | None = None) -> Call[dict[str, str]]:
    """All aliases with their collections."""
    read = reader(_Aliases)
    return Call("alias.list", {}, lambda value: read(value).aliases, timeout=timeout)
