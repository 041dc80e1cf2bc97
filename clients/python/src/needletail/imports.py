"""What an import has done so far, and how it failed. No input or output: the clients bring both."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from .batches import Batch
from .call import Call
from .errors import InvalidArgument, NeedletailError, ServerError
from .methods.documents import Document, UpsertedDocuments, encode_document, upsert_encoded_documents
from .methods.points import Upserted, upsert_encoded
from .points import Point, encode_point

R = TypeVar("R")
Result = TypeVar("Result", contravariant=True)


@dataclass
class ImportedPoints:
    """``acknowledged`` points are stored, as durably as ``durable`` says; ``lsn`` is that of the newest write."""

    acknowledged: int = 0
    created: int = 0
    updated: int = 0
    lsn: int = 0
    durable: str | None = None

    def add(self, count: int, result: Upserted) -> None:
        self.acknowledged += count
        self.created += result.created
        self.updated += result.updated
        self.lsn, self.durable = max(self.lsn, result.lsn), result.durable


@dataclass
class ImportedDocuments:
    """``acknowledged`` documents are stored. ``chunks`` = ``embedded`` + ``unchanged``; ``deleted`` chunks are no more."""

    acknowledged: int = 0
    chunks: int = 0
    embedded: int = 0
    unchanged: int = 0
    deleted: int = 0
    lsn: int = 0
    durable: str | None = None

    def add(self, count: int, result: UpsertedDocuments) -> None:
        self.acknowledged += count
        self.chunks += result.chunks
        self.embedded += result.embedded
        self.unchanged += result.unchanged
        self.deleted += result.deleted
        self.lsn, self.durable = max(self.lsn, result.lsn), result.durable


class ImportFailed(NeedletailError):
    """An import stopped. What came before the place is stored; of what is behind it, batches may be stored that were under way.

    cause                 the error (also ``__cause__``)
    progress              what was acknowledged: ``ImportedPoints`` or ``ImportedDocuments``
    first_unacknowledged  the place in the source, from 0, where to go on; writing points again does no harm
    id                    of the point or document that was refused, if it is known
    """

    kind = "import_failed"

    def __init__(
        self,
        cause: NeedletailError,
        progress: ImportedPoints | ImportedDocuments,
        first_unacknowledged: int,
        id: int | str | None = None,
    ) -> None:
        where = "" if id is None else f" at {id!r}"
        super().__init__(
            f"the import stopped{where}: {cause} ({progress.acknowledged} acknowledged, go on at {first_unacknowledged})",
            retryable=cause.retryable,
            may_have_been_executed=cause.may_have_been_executed,
        )
        self.cause = cause
        self.progress = progress
        self.first_unacknowledged = first_unacknowledged
        self.id = id

    def __reduce__(self) -> tuple[Any, ...]:
        return ImportFailed, (self.cause, self.progress, self.first_unacknowledged, self.id)


class _Progress(Protocol[Result]):
    def add(self, count: int, result: Result) -> None: ...


@dataclass
class Import(Generic[R]):
    """What differs between importing points and documents: how one is encoded, which call carries a batch, what is counted."""

    encode: Callable[[Any], tuple[int | str, bytes]]
    call: Callable[[list[bytes]], Call[R]]
    progress: Any

    def acknowledge(self, batch: Batch, result: R) -> None:
        counted: _Progress[R] = self.progress
        counted.add(len(batch.ids), result)

    def encoded(self, item: Any, index: int) -> tuple[int | str, bytes]:
        """Id and JSON of a member of the source. Raises ``InvalidArgument`` with its place."""
        try:
            return self.encode(item)
        except InvalidArgument as error:
            raise error.inside(f"[{index}]") from None

    def failure(self, error: NeedletailError, first: int, batch: Batch | None) -> ImportFailed:
        """The exception for an error about a batch, or about a member that went into none."""
        id: int | str | None = None
        if batch is not None and isinstance(error, ServerError) and error.at:
            place = re.match(r"(?:points|documents)\[(\d+)\]", error.at)
            if place and int(place[1]) < len(batch.ids):
                id = batch.ids[int(place[1])]
        failure = ImportFailed(error, self.progress, first, id)
        failure.__cause__ = error
        return failure


def point_import(collection: str, *, if_absent: bool, model: str | None, timeout: float | None) -> Import[Upserted]:
    """An import of ``Point``s."""

    def encode(point: Point) -> tuple[int | str, bytes]:
        member = encode_point(point)
        return point.id, member

    def call(members: list[bytes]) -> Call[Upserted]:
        return upsert_encoded(collection, members, if_absent=if_absent, model=model, timeout=timeout)

    return Import(encode, call, ImportedPoints())


def document_import(
    collection: str,
    *,
    max_tokens: int | None,
    overlap_tokens: int | None,
    model: str | None,
    timeout: float | None,
) -> Import[UpsertedDocuments]:
    """An import of ``Document``s."""

    def encode(document: Document) -> tuple[int | str, bytes]:
        member = encode_document(document)
        return document.id, member

    def call(members: list[bytes]) -> Call[UpsertedDocuments]:
        return upsert_encoded_documents(
            collection,
            members,
            max_tokens=max_tokens,
            overlap_tokens=overlap_tokens,
            model=model,
            timeout=timeout,
        )

    return Import(encode, call, ImportedDocuments())
