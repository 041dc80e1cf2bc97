"""A stream of points or documents, cut into batches that a request can carry."""

from __future__ import annotations

from dataclasses import dataclass, field

from .conversation import Limits
from .errors import InvalidArgument

# For everything in the line that is not a point: names, keys, the deadline.
ENVELOPE_BYTES = 2048


@dataclass
class Batch:
    """Consecutive members of the source, as JSON. ``first`` is the place of the first one in the source, from 0."""

    first: int
    ids: list[int | str] = field(default_factory=list)
    members: list[bytes] = field(default_factory=list)
    bytes: int = 0


class BatchCutter:
    """Collects members until a batch is full: by count, by bytes, and never above what the server takes."""

    def __init__(self, limits: Limits, *, count: int, bytes: int) -> None:
        if count < 1 or bytes < 1:
            raise InvalidArgument(f"a batch of {count} members and {bytes} bytes", at="batch")
        self._count = min(count, limits.batch_points)
        self._longest = max(1, limits.line_bytes - ENVELOPE_BYTES)
        self._bytes = min(bytes, self._longest)
        self._batch = Batch(0)

    @property
    def next_index(self) -> int:
        """The place of the member that comes next."""
        return self._batch.first + len(self._batch.ids)

    def add(self, id: int | str, member: bytes) -> Batch | None:
        """Takes a member; gives the batch that it did not fit into. Raises ``InvalidArgument`` if it fits into no line."""
        if len(member) > self._longest:
            raise InvalidArgument(
                f"{id!r} has {len(member)} bytes, the server takes {self._longest} at once", at=f"[{self.next_index}]"
            )
        full: Batch | None = None
        if self._batch.ids and (
            len(self._batch.ids) >= self._count or self._batch.bytes + len(member) + 1 > self._bytes
        ):
            full = self.rest()
        self._batch.ids.append(id)
        self._batch.members.append(member)
        self._batch.bytes += len(member) + 1
        return full

    def rest(self) -> Batch | None:
        """What was collected, if anything was."""
        batch = self._batch
        self._batch = Batch(batch.first + len(batch.ids))
        return batch if batch.ids else None
