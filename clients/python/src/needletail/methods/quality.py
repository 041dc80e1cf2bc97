"""What a collection measured of itself: recall by effort of searching, and quality over time."""

from __future__ import annotations

from dataclasses import dataclass, field

from .server import QualityAlert


@dataclass
class RecallAtEffort:
    """Mean recall of the queries with a beam of ``ef``, and the 95 % confidence interval of that mean."""

    ef: int
    recall: float
    low: float
    high: float


@dataclass
class RecallMeasurement:
    """Recall of one space of one segment for one number of neighbours. ``queries_from`` is ``queries`` (of clients) or
    ``points`` (made from stored ones)."""

    space: str
    segment: int
    searched_on: str
    filter: str
    k: int
    queries: int
    rows: int
    measured_ms: int
    curve: list[RecallAtEffort]
    standard_ef: int | None = None
    queries_from: str = field(default="", metadata={"name": "from"})


@dataclass
class Latency:
    """Of searches, in microseconds."""

    p50_us: int
    p95_us: int
    p99_us: int


@dataclass
class QualityMeasurement:
    """A space at one moment (``at_ms``: since 1970), by a sample of its vectors and by the searches since the moment before."""

    at_ms: int
    points: int
    sampled: int
    norm: float
    norm_deviation: float
    centroid_shift: float
    near_duplicates: float
    coherence: float
    hubness: float
    queries: int
    low_confidence: float | None = None
    score_gap: float | None = None
    latency: Latency | None = None


@dataclass
class SpaceQuality:
    """How good a space is, and was: ``history`` by time, the newest last. ``space`` is empty for the only one."""

    space: str
    history: list[QualityMeasurement]
    alerts: list[QualityAlert]
    baseline: QualityMeasurement | None = None
