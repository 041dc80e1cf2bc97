"""Client of the Needletail vector database: ``Client`` for blocking code, ``AsyncClient`` for asyncio.

Both have the same methods, and each method's help says what it takes. ``needletail.errors`` has a class for
each kind of error, ``needletail.results`` all classes of results.
"""

from . import errors, results
from .asynchronous.client import AsyncClient
from .blocking.client import Client
from .blocking.pipeline import Pipeline, Reply
from .call import Call
from .errors import (
    AlreadyExists,
    Conflict,
    ConnectionFailed,
    ConnectionLost,
    DimensionMismatch,
    InvalidArgument,
    InvalidParams,
    InvalidReply,
    NeedletailError,
    NotFound,
    ServerError,
    TimedOut,
)
from .filters import Condition, Field, FilterLike, at_least, has_id
from .imports import ImportedDocuments, ImportedPoints, ImportFailed
from .methods.documents import Document
from .methods.jobs import JobFailed
from .methods.query import Diversity, Query, RankFusion, SearchParams, WeightedFusion
from .methods.searches import SearchResult
from .methods.spaces import Space
from .points import Hit, Point, PointID, StoredPoint
from .retry import RetryPolicy
from .vectors import Vector, VectorLike

__all__ = [
    "AlreadyExists",
    "AsyncClient",
    "Call",
    "Client",
    "Condition",
    "Conflict",
    "ConnectionFailed",
    "ConnectionLost",
    "DimensionMismatch",
    "Diversity",
    "Document",
    "Field",
    "FilterLike",
    "Hit",
    "ImportFailed",
    "ImportedDocuments",
    "ImportedPoints",
    "InvalidArgument",
    "InvalidParams",
    "InvalidReply",
    "JobFailed",
    "NeedletailError",
    "NotFound",
    "Pipeline",
    "Point",
    "PointID",
    "Query",
    "RankFusion",
    "Reply",
    "RetryPolicy",
    "SearchParams",
    "SearchResult",
    "ServerError",
    "Space",
    "StoredPoint",
    "TimedOut",
    "Vector",
    "VectorLike",
    "WeightedFusion",
    "at_least",
    "errors",
    "has_id",
    "results",
]
