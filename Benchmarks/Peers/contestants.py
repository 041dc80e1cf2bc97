"""Who takes part in a comparison: peers in processes of their own, and Needletail's benchmark program."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


class Failed(Exception):
    """A peer could not build or search; the text goes into the table."""


def environment(threads: int) -> dict[str, str]:
    names = ("OMP", "OPENBLAS", "MKL", "RAYON")
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "ANONYMIZED_TELEMETRY": "False"}
    return os.environ | {f"{name}_NUM_THREADS": str(threads) for name in names} | quiet


class PeerProcess:
    """One variant of one peer. Between its turns it is stopped, so that its threads disturb nobody."""

    def __init__(self, peer: str, label: str, data: Path, metric: str, threads: int, log: Path) -> None:
        self.label = label
        self.read_end, write_end = os.pipe()
        self.log = open(log, "wb")
        self.process = subprocess.Popen(
            [sys.executable, HERE / "child.py", str(write_end), peer, label, str(data), metric],
            stdin=subprocess.PIPE,
            stdout=self.log,
            stderr=self.log,
            pass_fds=[write_end],
            env=environment(threads),
        )
        os.close(write_end)
        self.replies = os.fdopen(self.read_end, "r")

    def ask(self, command: dict[str, Any], limit: float) -> Any:
        """Raises Failed for an error, for a process that died, and after `limit` seconds."""
        assert self.process.stdin is not None
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write(json.dumps(command).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self.death() from None
        if not select.select([self.replies], [], [], limit)[0]:
            self.close()
            raise Failed(f"gave up after {limit:.0f} s")
        line = self.replies.readline()
        if not line:
            raise self.death()
        reply = json.loads(line)
        if isinstance(reply, dict) and "error" in reply:
            raise Failed(reply["error"])
        return reply

    def death(self) -> Failed:
        """Some libraries end the process; what they said last tells why."""
        status = self.process.wait()
        said = Path(self.log.name).read_text(errors="replace").splitlines()
        return Failed(f"ended with status {status}: {said[-1][:200] if said else 'without a word'}")

    def rest(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def close(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        assert self.process.stdin is not None
        try:
            self.process.stdin.close()
            self.process.wait(timeout=30)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.replies.close()
        self.log.close()


def needletail(program: str, data: Path, metric: str, extra: list[str]) -> list[dict[str, Any]]:
    """Runs recall-benchmark once and gives its curves (--json FILE: one object, or an array of them)."""
    with tempfile.TemporaryDirectory() as directory:
        result = Path(directory) / "curve.json"
        command = [program, str(data), "--metric", metric, *extra, "--json", str(result)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not result.exists():
            raise Failed(f"{Path(program).name}: status {done.returncode}: {done.stderr[-300:]}")
        return read_curves(result)


def read_curves(path: Path) -> list[dict[str, Any]]:
    """An object, or an array of objects, of this form:

    {"name", "build_seconds", "threads", "points": [{"recall", "searches_per_second", "setting"}]}
    """
    content = json.loads(path.read_text())
    curves = content if isinstance(content, list) else [content]
    for curve in curves:
        for point in curve["points"]:
            if not (0 <= point["recall"] <= 1 and point["searches_per_second"] > 0):
                raise Failed(f"{path}: not a point: {point}")
    return curves
