#!/usr/bin/env python3
"""The ratios that peers.json speaks of, from what Benchmarks/Peers wrote. Python 3 without packages.

    python3 Benchmarks/Thresholds/peers_ratios.py RESULTS.json [SERVED.json] > OUT.json

Of ours the best int8 curve counts, of hnswlib M 16 with efC 128, of the others whichever is fastest at that recall. The
ratio of the builds is not formed unless both have one with two threads.
"""

import json
import sys


def best(curves, target):
    return max((c["searches_per_second_at"][target] or 0 for c in curves), default=0)


def ratios(results, served):
    curves = [c for c in results["curves"] if not c["error"]]
    ours = [c for c in curves if c["ours"] and "int8" in c["name"]]
    hnswlib = [c for c in curves if c["peer"] == "hnswlib" and "M16 efC128" in c["name"]]
    others = [c for c in curves if not c["ours"] and c["peer"] != "hnswlib"]
    found = {}
    for target, name in (("0.98", "98"), ("0.99", "99")):
        for divisors, what in ((hnswlib, "hnswlib"), (others, "best_peer")):
            divisor = best(divisors, target)
            if divisor:
                found[f"over_{what}_at_{name}"] = best(ours, target) / divisor
    seconds = [[c["builds"]["2"]["wall"] for c in group if "2" in c["builds"]] for group in (ours, hnswlib)]
    if all(seconds):
        found["build_over_hnswlib"] = min(seconds[0]) / min(seconds[1])
    p50 = {row["name"]: row["p50"] for row in (served or {}).get("servers", []) if "p50" in row}
    for name in ("pgvector", "chroma"):
        if name in p50 and "needletail" in p50:
            found[f"{name}_p50_over_ours"] = p50[name] / p50["needletail"]
    return found


def main():
    if not 2 <= len(sys.argv) <= 3:
        raise SystemExit(__doc__)
    files = [json.load(open(path, encoding="utf-8")) for path in sys.argv[1:]]
    output = {"benchmark": "peers", "ratios": ratios(files[0], files[1] if len(files) > 1 else None)}
    json.dump(output, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
