"""The process of one peer: builds, then measures a sweep whenever it is told to. Started by contestants.py.

Commands come as JSON lines on standard input; replies go to the descriptor named in the arguments, because
libraries write what they like to standard output.
"""

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from peers import Peer, Setting, variants
from vectors import Dataset

ENOUGH_SECONDS = 0.25
"""A setting is searched with all queries again and again for so long, and the best pass counts."""
MOST_PASSES = 8
RECALL_ENOUGH = 0.993
"""Wider settings than the first that reaches it are not measured."""


def pin(cores: list[int]) -> None:
    """Binds every thread of this process, and all that it starts from now on, to some cores."""
    for task in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(task), cores)


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def timed(work: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    """The best pass by processor time (of all threads) and, by itself, by wall time; and the last result."""
    best = {"processor": float("inf"), "wall": float("inf")}
    begun = time.perf_counter()
    result: Any = None
    gc.collect()
    gc.disable()
    for _ in range(MOST_PASSES):
        wall, processor = time.perf_counter(), time.process_time()
        result = work()
        best["processor"] = min(best["processor"], time.process_time() - processor)
        best["wall"] = min(best["wall"], time.perf_counter() - wall)
        if time.perf_counter() - begun > ENOUGH_SECONDS:
            break
    gc.enable()
    return best, result


def recall(found: Any, truth: Any) -> float:
    hits = sum(len(set(map(int, f)) & set(map(int, t))) for f, t in zip(found, truth, strict=True))
    return hits / truth.size


def measure(peer: Peer, data: Dataset, setting: Setting) -> dict[str, Any]:
    """One point of the curve: recall, and searches/s of the loop of single calls and of the batch call."""
    queries = data.queries[: peer.most_queries]
    truth, k = data.truth[: len(queries)], data.truth.shape[1]
    peer.prepare(setting)
    encoded = [peer.encode(query) for query in queries]
    search = peer.search
    for query in encoded[:20]:
        search(query, k, setting)
    seconds, answers = timed(lambda: [search(query, k, setting) for query in encoded])
    point: dict[str, Any] = {
        "setting": list(setting) if isinstance(setting, tuple) else setting,
        "recall": recall([peer.ids(answer) for answer in answers], truth),
        "single": {clock: len(queries) / spent for clock, spent in seconds.items()},
    }
    found = peer.search_batch(queries, k, setting)
    if found is not None:
        seconds, found = timed(lambda: peer.search_batch(queries, k, setting))
        point["batch"] = {clock: len(queries) / spent for clock, spent in seconds.items()}
        point["batch_recall"] = recall(found, truth)
    # The better of the two, so that nobody's figure holds the cost of Python's loop.
    ways = [point[way][peer.clock] for way in ("single", "batch") if way in point]
    point["searches_per_second"] = max(ways)
    return point


def sweep(peer: Peer, data: Dataset) -> list[dict[str, Any]]:
    points: list[dict[str, Any]] = []
    enough: set[Any] = set()
    for setting in peer.settings():
        # A sweep over two parameters ends for each value of the second one by itself.
        group = setting[1:] if isinstance(setting, tuple) else None
        if group in enough:
            continue
        points.append(measure(peer, data, setting))
        if points[-1]["recall"] >= RECALL_ENOUGH:
            enough.add(group)
    return points


def version(peer: Peer) -> str:
    try:
        return getattr(peer, "version", None) or f"{peer.package} {metadata.version(peer.package)}"
    except metadata.PackageNotFoundError:
        return peer.package


def build(peer: Peer, data: Dataset, metric: Any, threads: int) -> dict[str, Any]:
    cores = sorted(os.sched_getaffinity(0))
    # "Threads" means cores, also for libraries that take no number of threads.
    pin(cores[-threads:])
    before = processor_seconds()
    seconds = peer.build(data.base, metric, threads)
    reply = {"wall": seconds, "version": version(peer)}
    if peer.clock == "processor":
        reply["processor"] = processor_seconds() - before
    return reply


def main() -> None:
    replies = os.fdopen(int(sys.argv[1]), "w")
    peer_name, label, directory, metric = sys.argv[2:6]
    data = Dataset.load(Path(directory))
    peer = variants(peer_name)[label]()
    try:
        for line in sys.stdin:
            command = json.loads(line)
            try:
                if command["do"] == "build":
                    reply: Any = build(peer, data, metric, command["threads"])
                else:
                    pin(sorted(os.sched_getaffinity(0))[-1:])
                    reply = sweep(peer, data)
            # Whatever a library throws is an answer for the table.
            except BaseException as error:
                reply = {"error": f"{type(error).__name__}: {error}"[:400]}
            replies.write(json.dumps(reply, default=np.generic.item) + "\n")
            replies.flush()
    finally:
        peer.close()


if __name__ == "__main__":
    main()
