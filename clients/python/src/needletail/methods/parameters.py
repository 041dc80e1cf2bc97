"""Parameters that several methods share, as the protocol takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..filters import FilterLike, filter_json
from ..points import PointID, PointIDs, point_id


def reading(
    with_payload: bool | Sequence[str] | None, with_vector: bool, min_lsn: int | None
) -> dict[str, Any]:
    """The parameters of reads that say what comes back."""
    if with_payload is not None and not isinstance(with_payload, (bool, str)):
        with_payload = list(with_payload)
    return {
        "with_payload": [with_payload] if isinstance(with_payload, str) else with_payload,
        "with_vector": with_vector or None,
        "vector_encoding": "base64" if with_vector else None,
        "min_lsn": min_lsn,
    }


def ids_json(ids: PointIDs) -> list[PointID]:
    """Ids as the protocol takes them. Raises ``InvalidArgument``."""
    # A string is iterable too, and its letters would be looked up.
    if isinstance(ids, str) or not isinstance(ids, Iterable):
        ids = [ids]
    return [point_id(each, at=f"ids[{index}]") for index, each in enumerate(ids)]


def optional_filter(filter: FilterLike | None) -> dict[str, Any] | None:
    """A filter as the protocol takes it, if there is one."""
    return None if filter is None else filter_json(filter)
