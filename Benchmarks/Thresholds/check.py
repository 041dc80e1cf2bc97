#!/usr/bin/env python3
"""Compares a benchmark's JSON output with thresholds: exit status 1 if one is missed. Python 3 without packages.

    python3 Benchmarks/Thresholds/check.py THRESHOLDS.json RESULT.json [--partial]

A threshold says `what`, the dotted path of a `value` in the result, optionally that of another which it is divided by
(`over`), and `at_least` or `at_most`. A figure that the result lacks is missed, too, unless `--partial` is given.
"""

import json
import sys


def find(result, path):
    for name in path.split("."):
        result = result.get(name) if isinstance(result, dict) else None
    return result if isinstance(result, (int, float)) else None


def judge(threshold, result):
    """The figure, and whether it meets the threshold; None for both when the result lacks it."""
    if len({"at_least", "at_most"} & threshold.keys()) != 1:
        raise SystemExit(f"at_least or at_most, one of them: {threshold}")
    value = find(result, threshold["value"])
    if value is not None and "over" in threshold:
        divisor = find(result, threshold["over"])
        value = value / divisor if divisor else None
    if value is None:
        return None, None
    met = value >= threshold["at_least"] if "at_least" in threshold else value <= threshold["at_most"]
    return value, met


def main():
    paths = [argument for argument in sys.argv[1:] if argument != "--partial"]
    if len(paths) != 2:
        raise SystemExit(__doc__)
    thresholds, result = (json.load(open(path, encoding="utf-8")) for path in paths)
    if thresholds["benchmark"] != result.get("benchmark"):
        raise SystemExit(f"{paths[1]} is not of the benchmark {thresholds['benchmark']}")
    missed = 0
    print("| what | figure | must be | |\n|---|--:|--:|---|")
    for threshold in thresholds["thresholds"]:
        value, met = judge(threshold, result)
        if met is None:
            missed += "--partial" not in sys.argv
        else:
            missed += not met
        bound = f"≥ {threshold['at_least']}" if "at_least" in threshold else f"≤ {threshold['at_most']}"
        shown = "not measured" if value is None else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
        verdict = {True: "met", False: "**missed**", None: ""}[met]
        print(f"| {threshold['what']} | {shown} | {bound} | {verdict} |")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
