"""How the vectors of a collection are configured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import InvalidArgument

Metric = Literal["cosine", "dot", "euclid"]
Durability = Literal["fsync", "os", "memory"]
Quantization = Literal["none", "int8", "binary"]


@dataclass(frozen=True)
class Space:
    """A vector space: ``size`` (dimensions), or ``model`` (the server's model fills it, and decides the size).

    metric        cosine (the server's default), dot or euclid
    quantization  what graphs are walked on: int8 (default), binary or none
    m, ef_construct  of the graph: neighbours per node (2 to 128, default 16), effort of building (8 to 4096, default 128)
    """

    size: int | None = None
    metric: Metric | None = None
    model: str | None = None
    quantization: Quantization | None = None
    m: int | None = None
    ef_construct: int | None = None

    def json(self) -> dict[str, Any]:
        """The space as the protocol writes it."""
        json: dict[str, Any] = {"size": self.size, "metric": self.metric, "model": self.model}
        if self.quantization is not None:
            json["quantization"] = {"kind": self.quantization}
        hnsw = {"m": self.m, "ef_construct": self.ef_construct}
        if any(value is not None for value in hnsw.values()):
            json["hnsw"] = {key: value for key, value in hnsw.items() if value is not None}
        return {key: value for key, value in json.items() if value is not None}


def spaces_json(vectors: Space | Mapping[str, Space]) -> dict[str, Any]:
    """One space, or several by name. Raises ``InvalidArgument``."""
    if isinstance(vectors, Space):
        return vectors.json()
    if not isinstance(vectors, Mapping) or not all(isinstance(space, Space) for space in vectors.values()):
        raise InvalidArgument(f"{vectors!r} is no Space(...), and no dict of them by name", at="vectors")
    return {name: space.json() for name, space in vectors.items()}
