"""Single searches against servers on loopback: one client, one connection, one search at a time.

served.py DATA.npy [--metric cosine] [--needletaild PROGRAM] [--servers needletail,chroma,pgvector] …

For each server the narrowest setting that reaches --recall is reported, with the recall it has. Servers are
built one after another, then take turns; a server that is not asked has nothing to do.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import machine
import report
from child import recall, version
from peers import Peer
from peers.pgvector import PGVector
from servers import ChromaServer, NeedletailServer
from vectors import Dataset, prepare


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} [{machine.load()}] {text}", file=sys.stderr, flush=True)


def measure(peer: Peer, data: Dataset, setting: Any) -> dict[str, Any]:
    """Milliseconds of each search at the client: percentiles; and the recall."""
    k = data.truth.shape[1]
    encoded = [peer.encode(query) for query in data.queries]
    for query in encoded[:50]:
        peer.search(query, k, setting)
    spent, answers = [], []
    for query in encoded:
        started = time.perf_counter()
        answers.append(peer.search(query, k, setting))
        spent.append((time.perf_counter() - started) * 1e3)
    p50, p95, p99 = np.percentile(spent, (50, 95, 99))
    found = recall([peer.ids(answer) for answer in answers], data.truth)
    return {"setting": setting, "recall": found, "p50": p50, "p95": p95, "p99": p99}


def narrowest(peer: Peer, data: Dataset, target: float) -> Any:
    """The first setting of the sweep that reaches the recall, or the last one."""
    for setting in peer.settings():
        peer.prepare(setting)
        k = data.truth.shape[1]
        answers = [peer.search(peer.encode(query), k, setting) for query in data.queries]
        if recall([peer.ids(answer) for answer in answers], data.truth) >= target:
            break
    return setting


def compare(makers: dict[str, Callable[[], Peer]], data: Dataset, options: argparse.Namespace) -> list[Any]:
    peers: dict[str, Peer] = {}
    rows: dict[str, dict[str, Any]] = {}
    try:
        for name, make in makers.items():
            try:
                peers[name] = make()
                seconds = peers[name].build(data.base, options.metric, 2)
                setting = narrowest(peers[name], data, options.recall)
            except Exception as error:  # Whatever it is belongs into the table.
                say(f"{name}: {error}")
                rows[name] = {"name": name, "error": f"{type(error).__name__}: {error}"[:300]}
                if name in peers:
                    peers.pop(name).close()
                continue
            say(f"{name}: built in {seconds:.1f} s, setting {setting}")
            rows[name] = {"name": name, "setting": setting, "build_seconds": seconds, "rounds": []}
            rows[name]["version"] = version(peers[name])
        for _ in range(options.rounds):
            for name, peer in peers.items():
                rows[name]["rounds"].append(measure(peer, data, rows[name]["setting"]))
                say(f"{name}: {rows[name]['rounds'][-1]}")
    finally:
        for peer in peers.values():
            peer.close()
    for row in rows.values():
        for key in ("recall", "p50", "p95", "p99"):
            if "rounds" in row:
                row[key] = float(np.median([measured[key] for measured in row["rounds"]]))
    return list(rows.values())


def section(results: dict[str, Any]) -> str:
    rows = results["servers"]
    ours = next((row["p50"] for row in rows if row["name"] == "needletail" and "p50" in row), None)
    lines = ["| server | ef | recall@10 | p50 (ms) | p95 | p99 | p50 / ours | filled and indexed (s) |"]
    lines.append("|---|--:|--:|--:|--:|--:|--:|--:|")
    for row in rows:
        if "error" in row:
            lines.append(f"| {row['name']}: {row['error']} | — | — | — | — | — | — | — |")
            continue
        ratio = f"{row['p50'] / ours:.1f} ×" if ours else "—"
        times = " | ".join(f"{row[key]:.2f}" for key in ("p50", "p95", "p99"))
        cells = f"| {row['name']} | {row['setting']} | {row['recall']:.4f} | {times} | {ratio} "
        lines.append(cells + f"| {row['build_seconds']:.0f} |")
    shape = f"{results['rows']:,} × {results['dimensions']}, {results['metric']}"
    versions = ", ".join(row["version"] for row in rows if "version" in row)
    named = "; ".join(f"{key}: {value}" for key, value in results["machine"].items())
    return "\n\n".join(
        [
            f"### Served on loopback: {results['name']}, {shape}",
            "One client, one search at a time, measured at a client in Python: the narrowest ef that reaches "
            f"recall {results['target']}, the median of {results['rounds']} rounds that alternate over the "
            "servers.",
            "\n".join(lines),
            f"Machine: {named}. Versions: {versions}.",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--name")
    parser.add_argument("--metric", choices=("cosine", "euclid", "dot"), default="cosine")
    parser.add_argument("--needletaild", help="the server's program")
    parser.add_argument("--servers", default="needletail,chroma,pgvector")
    parser.add_argument("--recall", type=float, default=0.98)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--docs", type=Path)
    options = parser.parse_args()
    name = options.name or options.data.stem
    makers: dict[str, Callable[[], Peer]] = {"chroma": ChromaServer, "pgvector": PGVector}
    if options.needletaild:
        makers["needletail"] = lambda: NeedletailServer(options.needletaild)
    wanted = [server for server in options.servers.split(",") if server in makers]
    before = machine.load()
    data = prepare(options.data, options.metric, 10, options.queries, options.rows)
    results = {
        "name": name,
        "rows": len(data.base),
        "dimensions": data.base.shape[1],
        "metric": options.metric,
        "target": options.recall,
        "rounds": options.rounds,
        "servers": compare({server: makers[server] for server in wanted}, data, options),
        "machine": machine.describe() | {"load before": before, "load after": machine.load()},
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"served-{name}.json").write_text(json.dumps(results, indent=1) + "\n")
    print(section(results))
    if options.docs:
        report.place_section(options.docs, f"served {name}", section(results))


if __name__ == "__main__":
    main()
