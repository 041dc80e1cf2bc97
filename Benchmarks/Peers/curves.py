"""Curves of recall against searches/s: median over rounds, Pareto front, value at a recall."""

import math
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any

TARGETS = (0.95, 0.98, 0.99)


@dataclass
class Curve:
    """All that was measured of one variant."""

    label: str
    peer: str
    version: str = ""
    builds: dict[int, dict[str, float]] = field(default_factory=dict)
    """Seconds of building by number of threads: wall, and processor where it is known."""
    rounds: list[list[dict[str, Any]]] = field(default_factory=list)
    error: str | None = None
    ours: bool = False

    def points(self) -> list[tuple[float, float, str]]:
        """(recall, searches/s, setting): medians over the rounds for each setting."""
        by_setting: dict[str, list[dict[str, Any]]] = {}
        for points in self.rounds:
            for point in points:
                by_setting.setdefault(str(point["setting"]), []).append(point)
        return [
            (median(p["recall"] for p in same), median(p["searches_per_second"] for p in same), setting)
            for setting, same in by_setting.items()
        ]

    def front(self) -> list[tuple[float, float]]:
        """Points that no other beats in both, by rising recall."""
        front: list[tuple[float, float]] = []
        for recall, speed, _ in sorted(self.points(), key=lambda p: (-p[0], -p[1])):
            if not front or speed > front[-1][1]:
                front.append((recall, speed))
        return front[::-1]

    def at(self, recall: float) -> float | None:
        """Searches/s: the logarithm interpolated linearly between the neighbouring points of the front.

        Where all that was measured lies above, the fastest point of it; None where the recall is not reached.
        """
        front = self.front()
        if not front or front[-1][0] < recall:
            return None
        if front[0][0] >= recall:
            return front[0][1]
        for (low, fast), (high, slow) in pairwise(front):
            if high >= recall:
                share = (recall - low) / (high - low)
                return math.exp(math.log(fast) + share * (math.log(slow) - math.log(fast)))
        raise AssertionError("the front rises in recall")

    def as_json(self) -> dict[str, Any]:
        targets = {str(target): self.at(target) for target in TARGETS}
        return {
            "name": self.label,
            "peer": self.peer,
            "version": self.version,
            "ours": self.ours,
            "error": self.error,
            "builds": self.builds,
            "rounds": self.rounds,
            "searches_per_second_at": targets,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Curve":
        builds = {int(threads): seconds for threads, seconds in value["builds"].items()}
        return cls(
            value["name"],
            value["peer"],
            value["version"],
            builds,
            value["rounds"],
            value["error"],
            value["ours"],
        )
