"""Conditions on payloads and ids, built with Python's operators::

    (Field("year") >= 2000) & Field("lang").any("en", "de") & ~Field("tags").equals("draft")

Comparisons need parentheses beside ``&`` and ``|``, which bind tighter. Wherever a filter is taken, so is a dict as the
protocol writes it: ``{"must": [{"key": "lang", "match": {"value": "en"}}]}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeAlias, Union

from .errors import InvalidArgument

Value: TypeAlias = Union[str, int, float, bool]
Bound: TypeAlias = Union[int, float, str, datetime]
"""A number, an RFC 3339 date-time, or a ``datetime`` with a time zone."""
Place: TypeAlias = tuple[float, float]
"""Latitude and longitude in degrees."""


class Condition:
    """One test or a combination of tests. Combined with ``&``, ``|`` and ``~``."""

    __slots__ = ("json",)

    def __init__(self, json: Mapping[str, Any]) -> None:
        #: The condition as the protocol writes it.
        self.json = dict(json)

    @property
    def filter(self) -> dict[str, Any]:
        """The same as a whole filter."""
        return self.json if self.json.keys() <= _PARTS else {"must": [self.json]}

    def _members(self, part: str) -> list[dict[str, Any]]:
        return list(self.json[part]) if self.json.keys() == {part} else [self.json]

    def __and__(self, other: Condition) -> Condition:
        if not isinstance(other, Condition):
            return NotImplemented
        return Condition({"must": self._members("must") + other._members("must")})

    def __or__(self, other: Condition) -> Condition:
        if not isinstance(other, Condition):
            return NotImplemented
        return Condition({"should": self._members("should") + other._members("should")})

    def __invert__(self) -> Condition:
        return Condition({"must_not": [self.json]})

    def __bool__(self) -> bool:
        # `and`, `or`, `not` and chained comparisons would silently drop one side.
        raise TypeError("combine conditions with & | ~ in place of and, or, not, and do not chain comparisons")

    def __repr__(self) -> str:
        return f"Condition({self.json!r})"


_PARTS = frozenset({"must", "should", "must_not", "min_should"})

FilterLike: TypeAlias = Union[Condition, Mapping[str, Any]]


def filter_json(filter: FilterLike) -> dict[str, Any]:
    """A filter as the protocol writes it. Raises ``InvalidArgument``."""
    if isinstance(filter, Condition):
        return filter.filter
    if isinstance(filter, Mapping):
        return dict(filter)
    if isinstance(filter, Field):
        raise InvalidArgument(f'Field("{filter.key}") says nothing yet: Field("{filter.key}") == ...', at="filter")
    raise InvalidArgument(f"a {type(filter).__name__} in place of a condition or a dict", at="filter")


class Field:
    """The values at a key of the payload. ``a.b[].c`` reaches into objects and members of arrays; a segment in double
    quotes may contain dots. A condition holds when at least one value at the key satisfies it."""

    __slots__ = ("key",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, key: str) -> None:
        self.key = key

    def _test(self, name: str, value: Any) -> Condition:
        return Condition({"key": self.key, name: value})

    def equals(self, value: Value) -> Condition:
        """A value is equal to this one; integers and floats compare by value."""
        return self._test("match", {"value": value})

    def any(self, *values: Value) -> Condition:
        """A value is one of these."""
        return self._test("match", {"any": list(values)})

    def not_in(self, *values: Value) -> Condition:
        """There is a value that is none of these."""
        return self._test("match", {"except": list(values)})

    def words(self, text: str) -> Condition:
        """A text has all these words, in any order; case and accents do not count."""
        return self._test("match", {"text": text})

    def phrase(self, text: str) -> Condition:
        """A text has these words one after the other."""
        return self._test("match", {"phrase": text})

    def prefix(self, text: str) -> Condition:
        """A text has a word that begins so."""
        return self._test("match", {"prefix": text})

    def between(self, low: Bound, high: Bound) -> Condition:
        """A value is at least ``low`` and at most ``high``."""
        return self._test("range", {"gte": low, "lte": high})

    def __eq__(self, value: Value) -> Condition:  # type: ignore[override]
        return self.equals(value)

    def __ne__(self, value: Value) -> Condition:  # type: ignore[override]
        return ~self.equals(value)

    def __gt__(self, bound: Bound) -> Condition:
        return self._test("range", {"gt": bound})

    def __ge__(self, bound: Bound) -> Condition:
        return self._test("range", {"gte": bound})

    def __lt__(self, bound: Bound) -> Condition:
        return self._test("range", {"lt": bound})

    def __le__(self, bound: Bound) -> Condition:
        return self._test("range", {"lte": bound})

    def is_null(self) -> Condition:
        """The value is null."""
        return Condition({"is_null": self.key})

    def is_empty(self) -> Condition:
        """The key is missing, null or ``[]``."""
        return Condition({"is_empty": self.key})

    def count(self, *, at_least: int | None = None, at_most: int | None = None) -> Condition:
        """There are so many values."""
        bounds = {"gte": at_least, "lte": at_most}
        return self._test("values_count", {key: value for key, value in bounds.items() if value is not None})

    def within(self, center: Place, radius_m: float) -> Condition:
        """A place is at most so many metres away."""
        return self._test("geo_radius", {"center": _place(center), "radius_m": radius_m})

    def in_box(self, top_left: Place, bottom_right: Place) -> Condition:
        """A place lies in a box, which may cross the antimeridian."""
        return self._test("geo_box", {"top_left": _place(top_left), "bottom_right": _place(bottom_right)})

    def in_polygon(self, exterior: Iterable[Place], *interiors: Iterable[Place]) -> Condition:
        """A place lies in a polygon and in none of its holes."""
        json: dict[str, Any] = {"exterior": [_place(each) for each in exterior]}
        if interiors:
            json["interiors"] = [[_place(each) for each in ring] for ring in interiors]
        return self._test("geo_polygon", json)

    def nested(self, filter: FilterLike) -> Condition:
        """One object at the key satisfies the whole filter by itself."""
        return Condition({"nested": {"key": self.key, "filter": filter_json(filter)}})


def has_id(*ids: int | str) -> Condition:
    """The point's id is one of these."""
    return Condition({"has_id": list(ids)})


def at_least(count: int, *conditions: Condition) -> Condition:
    """So many of the conditions hold."""
    return Condition({"min_should": {"conditions": [each.json for each in conditions], "min_count": count}})


def _place(place: Place) -> dict[str, float]:
    return {"lat": place[0], "lon": place[1]}
