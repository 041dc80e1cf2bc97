"""Needletail and its peers side by side, in one run: the same vectors, the same queries, one thread.

compare.py DATA.npy [--metric cosine] [--peers a,b] [--needletail PROGRAM] …   (see README.md; `run` calls it)

Writes results.json to --out, and with --docs the table and the picture into the documentation.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import machine
import report
from contestants import Failed, PeerProcess, needletail, read_curves
from curves import Curve
from peers import NAMES, variants
from vectors import Dataset, prepare

PATIENCE = 1_800.0
"""Seconds that one build, or one sweep, may take."""


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} [{machine.load()}] {text}", file=sys.stderr, flush=True)


class Comparison:
    def __init__(self, options: argparse.Namespace, data: Dataset, directory: Path) -> None:
        self.options = options
        self.data = data
        self.directory = directory
        self.curves: list[Curve] = []
        self.running: dict[str, PeerProcess] = {}

    def start(self, curve: Curve, threads: int) -> PeerProcess:
        log = self.options.out / f"{curve.label.replace('/', '-')}.log"
        return PeerProcess(curve.peer, curve.label, self.directory, self.options.metric, threads, log)

    def build(self, curve: Curve) -> None:
        """Builds once for each number of threads; the first build is the one that will be searched."""
        rebuilt = self.options.rebuild is None or curve.peer in self.options.rebuild
        for threads in self.options.threads if rebuilt else self.options.threads[:1]:
            process = self.start(curve, threads)
            try:
                reply = process.ask({"do": "build", "threads": threads}, PATIENCE)
            except Failed as failure:
                process.close()
                if curve.label not in self.running:
                    curve.error = str(failure)
                say(f"{curve.label}: {failure}")
                return
            curve.version = reply.pop("version")
            curve.builds[threads] = reply
            say(f"{curve.label}: built in {reply['wall']:.1f} s, {threads} thread(s)")
            if curve.label in self.running:
                process.close()
            else:
                self.running[curve.label] = process
                process.rest()

    def measure(self, curve: Curve) -> None:
        process = self.running[curve.label]
        try:
            curve.rounds.append(process.ask({"do": "sweep"}, PATIENCE))
        except Failed as failure:
            curve.error = str(failure)
            say(f"{curve.label}: {failure}")
            process.close()
            del self.running[curve.label]
            return
        process.rest()
        ends = [curve.rounds[-1][0], curve.rounds[-1][-1]]
        say(
            f"{curve.label}: "
            + " … ".join(f"{p['recall']:.4f} {p['searches_per_second']:.0f}/s" for p in ends)
        )

    def measure_needletail(self) -> None:
        for text in self.options.needletail_arguments or [""]:
            program, data = self.options.needletail, self.options.data
            for found in needletail(program, data, self.options.metric, text.split()):
                self.take(found)
                say(f"{found['name']}: {len(found['points'])} points")

    def take(self, found: dict[str, Any]) -> None:
        """A curve of ours, of this run or from a file: rounds of one name belong together."""
        known = next((c for c in self.curves if c.ours and c.label == found["name"]), None)
        if known is None:
            known = Curve(found["name"], "needletail", ours=True)
            self.curves.insert(sum(c.ours for c in self.curves), known)
        if found.get("build_seconds"):
            # The first one, since peers are built once, too.
            known.builds.setdefault(int(found.get("threads", 1)), {"wall": found["build_seconds"]})
        known.rounds.append(found["points"])

    def run(self) -> Iterator[int]:
        """Gives the number of rounds done, after each: so that what was measured can be kept."""
        for path in self.options.curve:
            for found in read_curves(path):
                self.take(found)
        for name in self.options.peers:
            for label in variants(name):
                if self.options.only in label:
                    self.curves.append(Curve(label, name))
        for curve in [c for c in self.curves if not c.ours]:
            self.build(curve)
        for number in range(self.options.rounds):
            # Every second round goes backwards: what drifts with time meets all alike.
            order = [c for c in self.curves if c.label in self.running][:: 1 if number % 2 == 0 else -1]
            turns: list[Curve | None] = list(order)
            if self.options.needletail:
                turns.insert(0 if number % 2 == 0 else len(turns), None)
            for turn in turns:
                if turn is None:
                    self.measure_needletail()
                else:
                    self.measure(turn)
            yield number + 1

    def close(self) -> None:
        for process in self.running.values():
            process.close()


def arguments() -> argparse.Namespace:
    def names(text: str) -> list[str]:
        chosen = text.split(",")
        if unknown := set(chosen) - set(NAMES):
            raise argparse.ArgumentTypeError(f"no such peer: {', '.join(sorted(unknown))}")
        return chosen

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "data", type=Path, help="a .npy of float16 or float32; the first 1,000 rows are queries"
    )
    parser.add_argument("--name", help="of the data set, in the documentation; default: the file's")
    parser.add_argument("--metric", choices=("cosine", "euclid", "dot"), default="cosine")
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--rows", type=int, help="use so many rows of the base only")
    parser.add_argument(
        "--threads",
        type=lambda text: [int(part) for part in text.split(",")],
        default=[1],
        help="of the builds, e.g. 1,2: a build for each; the first is searched. A search has one thread",
    )
    parser.add_argument(
        "--rebuild", type=names, help="only these are built with the further numbers of threads too"
    )
    parser.add_argument("--peers", type=names, default=list(NAMES), help=",".join(NAMES))
    parser.add_argument("--only", default="", help="variants with this in their label")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--needletail", help="recall-benchmark, run in each round: PROGRAM DATA --metric M --json F"
    )
    parser.add_argument(
        "--needletail-arguments",
        action="append",
        metavar="TEXT",
        help="more for it; again: another curve of ours",
    )
    parser.add_argument(
        "--curve", type=Path, action="append", default=[], help="a curve of that form from a file"
    )
    parser.add_argument("--out", type=Path, default=Path("."), help="where results.json goes")
    parser.add_argument(
        "--docs", type=Path, help="the directory of benchmarks.md, to write table and picture there"
    )
    parser.add_argument(
        "--report-only", action="store_true", help="only write --docs from --out's results.json"
    )
    options = parser.parse_args()
    options.name = options.name or options.data.stem
    return options


def measure(options: argparse.Namespace, result_file: Path) -> None:
    before = machine.load()
    with tempfile.TemporaryDirectory(prefix="peers-") as directory:
        data = prepare(options.data, options.metric, options.k, options.queries, options.rows)
        data.save(Path(directory))
        comparison = Comparison(options, data, Path(directory))
        try:
            for rounds in comparison.run():
                results = {
                    "name": options.name,
                    "rows": len(data.base),
                    "dimensions": data.base.shape[1],
                    "queries": len(data.queries),
                    "k": options.k,
                    "metric": options.metric,
                    "rounds": rounds,
                    "machine": machine.describe() | {"load before": before, "load after": machine.load()},
                    "niceness": os.nice(0),
                    "curves": [curve.as_json() for curve in comparison.curves],
                }
                result_file.write_text(json.dumps(results, indent=1) + "\n")
        finally:
            comparison.close()


def main() -> None:
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    result_file = options.out / f"results-{options.name}.json"
    if not options.report_only:
        measure(options, result_file)
    results = json.loads(result_file.read_text())
    print(report.section(results))
    if options.docs:
        report.write(options.docs, results)


if __name__ == "__main__":
    main()
