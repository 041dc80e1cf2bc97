"""The picture of a comparison as SVG: searches/s over recall, whose axis is the logarithm of what is missed.

One colour a peer, one dash a variant; ours thick and black. Names are at the right, as in the table.
"""

import math
from html import escape
from typing import Any

from curves import Curve

WIDTH, HEIGHT = 1040, 640
LEFT, TOP, RIGHT, BOTTOM = 80, 60, 290, 60
RECALLS = (0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998)
LOWEST, HIGHEST = 0.8, 0.9985
COLOURS = {
    "hnswlib": "#d62728",
    "faiss": "#1f77b4",
    "usearch": "#9467bd",
    "svs": "#0b8f8f",
    "vsag": "#e0861a",
    "scann": "#2ca02c",
    "qdrant": "#c2185b",
    "zvec": "#7a5c00",
    "lancedb": "#5c6bc0",
    "sqlite_vec": "#7f7f7f",
    "chroma": "#8c564b",
    "pgvector": "#336791",
}
DASHES = ("", "7 4", "2 3", "10 3 2 3", "1 5")
INK, GRID = "#222222", "#dddddd"


def missed(recall: float) -> float:
    return -math.log10(1 - recall)


class Axes:
    def __init__(self, slowest: float, fastest: float) -> None:
        self.low, self.high = math.log10(slowest) - 0.05, math.log10(fastest) + 0.1

    def x(self, recall: float) -> float:
        share = (missed(recall) - missed(LOWEST)) / (missed(HIGHEST) - missed(LOWEST))
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, speed: float) -> float:
        share = (math.log10(speed) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def ticks(self) -> list[float]:
        decades = range(math.floor(self.low), math.ceil(self.high) + 1)
        every = [factor * 10.0**decade for decade in decades for factor in (1, 2, 5)]
        return [tick for tick in every if self.low <= math.log10(tick) <= self.high]


def text(x: float, y: float, content: str, anchor: str = "start", size: int = 13, extra: str = "") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{INK}"{extra}>'
        f"{escape(content)}</text>"
    )


def line(x1: float, y1: float, x2: float, y2: float, colour: str, extra: str = "") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{extra}/>'


def frame(axes: Axes, title: str) -> list[str]:
    right, floor = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = [text(LEFT, 30, title, size=16, extra=' font-weight="bold"')]
    for recall in RECALLS:
        x = axes.x(recall)
        parts += [line(x, TOP, x, floor, GRID), text(x, floor + 20, f"{recall:g}", "middle")]
    for tick in axes.ticks():
        y = axes.y(tick)
        parts += [line(LEFT, y, right, y, GRID), text(LEFT - 8, y + 4, f"{tick:,.0f}", "end")]
    parts += [line(LEFT, floor, right, floor, INK), line(LEFT, TOP, LEFT, floor, INK)]
    parts.append(text((LEFT + right) / 2, HEIGHT - 15, "recall@10 (logarithm of what is missed)", "middle"))
    parts.append(text(LEFT, TOP - 10, "searches/s, one thread (logarithmic)"))
    return parts


def inside(front: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """What fits on the axes; recall 1 (exact search) is drawn at the right end."""
    return [(min(recall, HIGHEST), speed) for recall, speed in front if recall >= LOWEST]


def style(curve: Curve, order: dict[str, int]) -> tuple[str, str, float]:
    number = order.setdefault(curve.peer, -1) + 1
    order[curve.peer] = number
    colour = "#000000" if curve.ours else COLOURS.get(curve.peer, "#444444")
    return colour, DASHES[number % len(DASHES)], 3.5 if curve.ours else 1.8


def draw(results: dict[str, Any], curves: list[Curve]) -> str:
    shown = [(curve, inside(curve.front())) for curve in curves]
    shown = [(curve, front) for curve, front in shown if front]
    if not shown:
        raise ValueError("no curve to draw")
    speeds = [speed for _, front in shown for _, speed in front]
    axes = Axes(min(speeds), max(speeds))
    title = f"{results['name']}: {results['rows']:,} × {results['dimensions']}, {results['metric']}"
    parts = frame(axes, title)
    order: dict[str, int] = {}
    styles = {curve.label: style(curve, order) for curve, _ in shown}
    shown.sort(key=lambda pair: (not pair[0].ours, -(pair[0].at(0.98) or 0), -(pair[0].at(0.95) or 0)))
    for number, (curve, front) in enumerate(shown):
        colour, dash, width = styles[curve.label]
        stroke = f' stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dash}"'
        path = " ".join(f"{axes.x(recall):.1f},{axes.y(speed):.1f}" for recall, speed in front)
        parts.append(f'<polyline points="{path}" fill="none"{stroke}/>')
        for recall, speed in front:
            parts.append(
                f'<circle cx="{axes.x(recall):.1f}" cy="{axes.y(speed):.1f}" r="2.5" fill="{colour}"/>'
            )
        x, y = WIDTH - RIGHT + 20, TOP + 8 + 20 * number
        extra = f' stroke-width="{width}" stroke-dasharray="{dash}"'
        parts += [line(x, y - 4, x + 34, y - 4, colour, extra), text(x + 42, y, curve.label, size=12)]
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )
