#!/usr/bin/env python3
"""Filtered searches at each selectivity: recall, time, and the number of results; against Qdrant's engine and Zvec.

    run.py FILE.npy --needletail PROGRAM [--recall 0.97] [--peers qdrant,zvec] [--queries 100] [--rows N] [--json FILE]
           [--served NEEDLETAILD] [--in-flight 32]

FILE holds the vectors; what is filtered by is made here (see cases.py). All are called in process, in one thread:
Needletail's engine by PROGRAM, filtered-benchmark, which measures itself; peers from Python, whose calls cost them some
microseconds. Needletail searches at a recall it chooses the effort for; a peer is measured at widths from narrow to wide,
and compared at the first that finds as much as Needletail did, or at the widest. --served measures the server as well,
over TCP. Needs: pip install numpy, and the peers (Benchmarks/Peers/requirements.txt).
"""

import argparse
import json
import statistics

from cases import K, KINDS, SHARES, Points
from contestants import Needletail, Qdrant, Served, Zvec

PASSES = 5


def measure(contestant, cases, setting, filtered=True):
    """Recall, whether every answer was as long as it could be, and the mean of the seconds of the best pass."""
    contestant.prepare([contestant.request(case, setting, filtered) for case in cases])
    best, found = float("inf"), []
    for _ in range(PASSES):
        seconds, found = contestant.one_pass()
        best = min(best, statistics.fmean(seconds))
    hits = sum(len(set(ids) & set(case.truth)) for ids, case in zip(found, cases))
    short = sum(len(ids) < len(case.truth) for ids, case in zip(found, cases))
    return {"setting": setting, "recall": hits / sum(len(c.truth) for c in cases), "short": short, "us": best * 1e6}


def compare(contestant, cases, wanted, filtered=True):
    """The first setting that finds as much as is wanted; without such a one the last."""
    for setting in contestant.settings:
        result = measure(contestant, cases, setting, filtered)
        if result["recall"] >= wanted and not result["short"]:
            break
    return result


def cell(result):
    short = f", {result['short']} short" if result["short"] else ""
    return f"{result['recall']:.4f}, {result['us']:,.0f} µs{short}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--needletail", required=True)
    parser.add_argument("--served")
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--recall", type=float, default=0.97)
    parser.add_argument("--peers", default="qdrant,zvec")
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    points = Points(arguments.file, arguments.rows)
    known = {"qdrant": Qdrant, "zvec": Zvec}
    peers = [known[name]() for name in arguments.peers.split(",") if name]
    if arguments.served:
        peers.append(Served(arguments.served, arguments.recall, arguments.in_flight))
    ours = Needletail(arguments.needletail, arguments.recall)
    results = []
    try:
        for contestant in [ours, *peers]:
            contestant.build(points)
        print("| filter | matching | " + " | ".join(one.name for one in [ours, *peers]) + " |")
        print("|---|--:|" + "--:|" * (1 + len(peers)), flush=True)
        rows = [("none", 1.0, points.unfiltered(arguments.queries))]
        rows += [(kind, share, points.cases(kind, share, arguments.queries)) for kind in KINDS for share in SHARES]
        for kind, share, cases in rows:
            filtered = kind != "none"
            own = measure(ours, cases, arguments.recall, filtered)
            theirs = {peer.name: compare(peer, cases, own["recall"], filtered) for peer in peers}
            results.append({"kind": kind, "share": share, "needletail": own, "peers": theirs})
            cells = [cell(own)] + [f"{cell(one)} ({one['us'] / own['us']:.1f} ×)" for one in theirs.values()]
            print(f"| {kind} | {share:.2%} | " + " | ".join(cells) + " |", flush=True)
    finally:
        for contestant in [ours, *peers]:
            contestant.close()
    filtered = [one for one in results if one["kind"] != "none"]
    ratios = {
        "least_recall": min(one["needletail"]["recall"] for one in filtered),
        "short_answers": sum(one["needletail"]["short"] for one in filtered),
        "slowest_over_unfiltered": max(one["needletail"]["us"] for one in filtered) / results[0]["needletail"]["us"]}
    for peer in peers:
        if isinstance(peer, Served):
            continue
        ratios[f"least_over_{peer.name.split()[0]}"] = min(
            one["peers"][peer.name]["us"] / one["needletail"]["us"] for one in filtered)
    print("\n" + "\n".join(f"{name}: {value:.4g}" for name, value in ratios.items()))
    if arguments.json:
        with open(arguments.json, "w") as output:
            json.dump({"benchmark": "filters", "k": K, "ratios": ratios, "results": results}, output, indent=1)


if __name__ == "__main__":
    main()
