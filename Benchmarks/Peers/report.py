"""The table of a comparison as Markdown, and its place in docs/benchmarks.md."""

import re
from pathlib import Path
from typing import Any

import picture
from curves import TARGETS, Curve


def number(value: float | None) -> str:
    return "—" if value is None else f"{value:,.0f}"


def seconds(curve: Curve, threads: int) -> str:
    """Wall, and in brackets the processor's where it differs by more than a tenth of what it should be."""
    build = curve.builds.get(threads)
    if build is None:
        return "—"
    text = f"{build['wall']:.1f}"
    processor = build.get("processor", 0.0)
    if processor and not 0.9 < processor / (build["wall"] * threads) < 1.1:
        text += f" ({processor:.1f})"
    return text


def best_of_ours(curves: list[Curve], target: float) -> float | None:
    """Ratios are taken with our first curve: what a user gets by default."""
    return next((c.at(target) for c in curves if c.ours), None)


def row(curve: Curve, curves: list[Curve], threads: list[int]) -> str:
    speeds = [curve.at(target) for target in TARGETS]
    cells = [curve.label, *(number(speed) for speed in speeds)]
    if any(c.ours for c in curves):
        for target, speed in zip(TARGETS, speeds, strict=True):
            ours = best_of_ours(curves, target)
            cells.append(f"{ours / speed:.2f} ×" if ours and speed else "—")
    cells += [seconds(curve, count) for count in threads]
    return "| " + " | ".join(cells) + " |"


def table(curves: list[Curve]) -> str:
    threads = sorted({count for curve in curves for count in curve.builds})
    head = ["variant", *(f"searches/s at {target}" for target in TARGETS)]
    if any(c.ours for c in curves):
        head += [f"ours / it at {target}" for target in TARGETS]
    head += [f"build, {count} thread{'s' if count > 1 else ''} (s)" for count in threads]
    lines = ["| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    measured = [c for c in curves if c.rounds]
    measured.sort(key=lambda c: (not c.ours, -(c.at(0.98) or 0), -(c.at(0.95) or 0)))
    lines += [row(curve, curves, threads) for curve in measured]
    return "\n".join(lines)


def section(results: dict[str, Any]) -> str:
    curves = [Curve.from_json(value) for value in results["curves"]]
    machine = results["machine"]
    parts = [
        f"### {results['name']}: {results['rows']:,} × {results['dimensions']}, {results['metric']}",
        f"Recall@{results['k']} of {results['queries']:,} queries that are not in the base; one thread, "
        "the better of single calls and a batch call; the median of "
        f"{results['rounds']} rounds that alternate over all variants.",
        f"![Recall against searches per second]({picture_name(results)})",
        table(curves),
        "Interpolated between the two neighbouring measured settings (the logarithm of searches/s over "
        "recall). Where a build's processor time does not fit its wall time, it stands in brackets.",
    ]
    failed = [f"- {c.label}: {c.error}" for c in curves if c.error]
    if failed:
        parts.append("Not measured:\n\n" + "\n".join(failed))
    named = [f"{key}: {value}" for key, value in machine.items()]
    versions = sorted({c.version for c in curves if c.version})
    parts.append("Machine: " + "; ".join(named) + f"; nice {results['niceness']}.")
    parts.append("Versions: " + ", ".join(versions) + ".")
    return "\n\n".join(parts)


def picture_name(results: dict[str, Any]) -> str:
    return f"benchmarks-peers-{results['name']}.svg"


HEAD = "# Benchmarks\n"


def place(document: str, mark: str, text: str) -> str:
    """Replaces what stands between a section's marks, or appends the section."""
    begin, end = f"<!-- {mark.replace(' ', ':begin ', 1)} -->", f"<!-- {mark.replace(' ', ':end ', 1)} -->"
    block = f"{begin}\n{text}\n{end}"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if pattern.search(document):
        return pattern.sub(lambda _: block, document)
    return document.rstrip("\n") + f"\n\n{block}\n"


def place_section(docs: Path, mark: str, text: str) -> None:
    path = docs / "benchmarks.md"
    document = path.read_text() if path.exists() else HEAD
    path.write_text(place(document, mark, text))


def write(docs: Path, results: dict[str, Any]) -> None:
    curves = [Curve.from_json(value) for value in results["curves"]]
    (docs / picture_name(results)).write_text(picture.draw(results, curves))
    place_section(docs, f"peers {results['name']}", section(results))
