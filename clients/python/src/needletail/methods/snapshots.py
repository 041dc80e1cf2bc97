"""Snapshots, and their archives in pieces: ``snapshot.*``. Their time-out is ten minutes unless given."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime

from ..call import Call, nothing
from ..points import milliseconds
from ..reading import Malformed, reader

PATIENCE = 600.0


@dataclass
class Snapshot:
    """The state of a collection at ``lsn``. ``collection`` and ``created_ms`` (since 1970) come with lists and imports."""

    snapshot: str
    lsn: int
    points: int
    bytes: int
    sha256: str
    collection: str | None = None
    created_ms: int | None = None


@dataclass
class _Snapshots:
    snapshots: list[Snapshot]


@dataclass
class Verified:
    """What was read and compared; ``probes`` are searches whose answers were as before."""

    ok: bool
    snapshot: str = ""
    lsn: int = 0
    points: int = 0
    files: int = 0
    bytes: int = 0
    probes: int = 0


@dataclass
class Restored:
    """The collection that a snapshot became."""

    collection: str
    points: int
    lsn: int


@dataclass
class _Piece:
    data: str
    total: int
    sha256: str
    next: int | None = None


@dataclass
class Piece:
    """Part of an archive. ``next`` is the position of the piece behind it, ``None`` at the end; ``total`` counts like
    positions: bytes of content."""

    data: bytes
    total: int
    sha256: str
    next: int | None = None


@dataclass
class _Import:
    id: str = field(metadata={"name": "import"})


@dataclass
class Received:
    """``received`` counts bytes of the archive, ``done`` and ``total`` bytes of content."""

    received: int
    done: int
    total: int | None = None


def create_snapshot(collection: str, *, timeout: float | None = None) -> Call[Snapshot]:
    """Keeps the collection's state; it shares files with it, and outlives it."""
    params = {"collection": collection}
    return Call(
        "snapshot.create", params, reader(Snapshot), repeatable=False, writes=True, timeout=timeout or PATIENCE
    )


def list_snapshots(collection: str | None = None, *, timeout: float | None = None) -> Call[list[Snapshot]]:
    """All snapshots, or those of a collection."""
    read = reader(_Snapshots)
    return Call("snapshot.list", {"collection": collection}, lambda value: read(value).snapshots, timeout=timeout)


def delete_snapshot(snapshot: str, *, timeout: float | None = None) -> Call[None]:
    """Deletes a snapshot."""
    return Call("snapshot.delete", {"snapshot": snapshot}, nothing, repeatable=False, writes=True, timeout=timeout)


def verify_snapshot(snapshot: str, *, timeout: float | None = None) -> Call[Verified]:
    """Reads and compares everything. Raises ``Corruption``."""
    return Call("snapshot.verify", {"snapshot": snapshot}, reader(Verified), timeout=timeout or PATIENCE)


def restore_snapshot(
    snapshot: str,
    as_: str,
    *,
    to_lsn: int | None = None,
    to_time: int | datetime | None = None,
    timeout: float | None = None,
) -> Call[Restored]:
    """Makes a new collection of a snapshot; with ``to_lsn`` or ``to_time`` (milliseconds since 1970, or a ``datetime`` with a
    time zone) of a point behind it. Everything is verified before anything becomes visible. Raises ``AlreadyExists``."""
    params = {
        "snapshot": snapshot,
        "as": as_,
        "to_lsn": to_lsn,
        "to_time": None if to_time is None else milliseconds(to_time, at="to_time"),
    }
    return Call(
        "snapshot.restore", params, reader(Restored), repeatable=False, writes=True, timeout=timeout or PATIENCE
    )


def read_snapshot(
    snapshot: str, position: int = 0, *, bytes: int | None = None, timeout: float | None = None
) -> Call[Piece]:
    """A piece of a snapshot's archive. ``export_snapshot`` gives all of them."""
    read_piece = reader(_Piece)

    def read(value: object) -> Piece:
        piece = read_piece(value)
        try:
            return Piece(base64.b64decode(piece.data, validate=True), piece.total, piece.sha256, piece.next)
        except ValueError as error:
            raise Malformed(str(error)).inside(".data") from None

    params = {"snapshot": snapshot, "position": position, "bytes": bytes}
    return Call("snapshot.read", params, read, timeout=timeout)


def begin_import(*, timeout: float | None = None) -> Call[str]:
    """Begins to take an archive; gives the id for the next three. One for which nothing is sent in ten minutes ends."""
    read = reader(_Import)
    return Call("snapshot.import_begin", {}, lambda value: read(value).id, timeout=timeout)


def write_import(id: str, offset: int, data: bytes, *, timeout: float | None = None) -> Call[Received]:
    """Sends the archive's bytes at ``offset``; what came already is passed over. Raises ``Corruption``."""
    text = base64.b64encode(data).decode("ascii")
    params = {"import": id, "offset": offset, "data": text}
    return Call("snapshot.import_write", params, reader(Received), timeout=timeout)


def commit_import(id: str, as_: str | None = None, *, timeout: float | None = None) -> Call[Snapshot]:
    """Makes the snapshot visible, under another name if there is one. Raises ``AlreadyExists``."""
    params = {"import": id, "as": as_}
    return Call(
        "snapshot.import_commit", params, reader(Snapshot), repeatable=False, writes=True, timeout=timeout or PATIENCE
    )


def abort_import(id: str, *, timeout: float | None = None) -> Call[None]:
    """Ends an import; nothing is left of it."""
    return Call("snapshot.import_abort", {"import": id}, nothing, repeatable=False, timeout=timeout)
