"""Texts that the server cuts into chunks and embeds: ``document.*``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .. import encoding
from ..call import Call, operation_key
from ..errors import InvalidArgument
from ..points import StoredPoint, payload_json
from ..reading import reader
from .parameters import reading
from .points import Deleted

# The server's model takes its time: some tens of milliseconds a chunk on one core.
PATIENCE = 300.0


@dataclass
class Document:
    """A text with an id of 1 to 500 bytes. Markdown is cut at headings. ``payload`` goes into every chunk."""

    id: str
    text: str
    format: Literal["plain", "markdown"] = "plain"
    payload: Mapping[str, Any] | None = None

    @staticmethod
    def from_file(
        path: str | Path, *, root: str | Path | None = None, payload: Mapping[str, Any] | None = None
    ) -> Document:
        """The text of a UTF-8 file; ``.md`` and ``.markdown`` are Markdown. The id is the path, below ``root`` if that is
        given. Raises ``OSError``, ``InvalidArgument`` if it is not UTF-8, and ``ValueError`` if it is not below ``root``."""
        path = Path(path)
        name = path.relative_to(root) if root is not None else path
        markdown = path.suffix.lower() in {".md", ".markdown"}
        # Bytes as they are: offsets of chunks count them, and reading as text would change line ends.
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidArgument(f"{path} is not UTF-8: byte {error.start} ({error.reason})") from None
        return Document(name.as_posix(), text, "markdown" if markdown else "plain", payload)


@dataclass
class UpsertedDocuments:
    """``chunks`` = ``embedded`` + ``unchanged``; ``deleted`` counts chunks that are no more."""

    lsn: int
    durable: str
    chunks: int
    embedded: int
    unchanged: int
    deleted: int


@dataclass
class StoredDocument:
    """The chunks of a document, which are points. Their payloads have ``document_id``, ``chunk_index``, ``text``, ``start`` and
    ``end`` (bytes of the document's UTF-8 text), and ``heading_path`` in Markdown. No chunks: there is no such document."""

    document_id: str
    points: list[StoredPoint]


def encode_document(document: Document) -> bytes:
    """A document as JSON."""
    if not isinstance(document, Document):
        raise InvalidArgument(f"a {type(document).__name__} in place of a Document")
    json: dict[str, Any] = {"document_id": document.id, "text": document.text, "format": document.format}
    if document.payload:
        json["payload"] = payload_json(document.payload)
    return encoding.encode(json)


def upsert_documents(
    collection: str,
    documents: Iterable[Document],
    *,
    max_tokens: int | None = None,
    overlap_tokens: int | None = None,
    model: str | None = None,
    op_key: str | None = None,
    timeout: float | None = None,
) -> Call[UpsertedDocuments]:
    """Writes documents, all or none (time-out: five minutes unless given). Only chunks with new content are embedded; a document
    that did not change writes nothing. A folder of them: ``import_documents``.

    max_tokens, overlap_tokens  of a chunk: by default what the model reads, and an eighth of it

    Raises ``NotFound``, ``InvalidParams`` (a collection without a model), ``LimitExceeded``.
    """
    if isinstance(documents, Document):
        raise InvalidArgument("a single Document in place of several: [document]", at="documents")
    return upsert_encoded_documents(
        collection,
        encoding.members("documents", documents, encode_document),
        max_tokens=max_tokens,
        overlap_tokens=overlap_tokens,
        model=model,
        op_key=op_key,
        timeout=timeout,
    )


def upsert_encoded_documents(
    collection: str,
    documents: list[bytes],
    *,
    max_tokens: int | None = None,
    overlap_tokens: int | None = None,
    model: str | None = None,
    op_key: str | None = None,
    timeout: float | None = None,
) -> Call[UpsertedDocuments]:
    """``upsert_documents`` of what is JSON already."""
    chunk = {"max_tokens": max_tokens, "overlap_tokens": overlap_tokens}
    chunk = {key: value for key, value in chunk.items() if value is not None}
    params = {"collection": collection, "chunk": chunk or None, "model": model, "op_key": operation_key(op_key)}
    return Call(
        "document.upsert",
        params,
        reader(UpsertedDocuments),
        writes=True,
        timeout=timeout or PATIENCE,
        encoded=("documents", encoding.array(documents)),
    )


def get_document(
    collection: str,
    document_id: str,
    *,
    with_payload: bool | Sequence[str] = True,
    with_vector: bool = False,
    min_lsn: int | None = None,
    timeout: float | None = None,
) -> Call[StoredDocument]:
    """The chunks of a document in their order; none if there is no such document."""
    params = {
        "collection": collection,
        "document_id": document_id,
        **reading(with_payload, with_vector, min_lsn),
    }
    return Call("document.get", params, reader(StoredDocument), timeout=timeout)


def delete_documents(
    collection: str, document_ids: Iterable[str], *, op_key: str | None = None, timeout: float | None = None
) -> Call[Deleted]:
    """Deletes documents with all their chunks; ``deleted`` counts chunks."""
    ids = [document_ids] if isinstance(document_ids, str) else list(document_ids)
    params = {"collection": collection, "document_ids": ids, "op_key": operation_key(op_key)}
    return Call("document.delete", params, reader(Deleted), writes=True, timeout=timeout)
