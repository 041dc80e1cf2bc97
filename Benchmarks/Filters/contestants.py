"""Who answers the filters: Needletail's engine, Qdrant's and Zvec, in process; our server. All keys have an index."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Server"))
from protocol import Connection, batches, encode  # noqa: E402

WIDTHS = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
BATCH = 1_000


class Contestant:
    """One that is called in process, from Python; others answer a pass in their own way."""

    settings = WIDTHS

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="needletail-filters-")

    def prepare(self, requests):
        """These are going to be asked, several times."""
        self.requests = requests

    def one_pass(self):
        """Seconds of each request, or of all of them together, and the ids found."""
        seconds, answers = [], []
        for request in self.requests:
            started = time.perf_counter()
            answer = self.search(request)
            seconds.append(time.perf_counter() - started)
            answers.append(answer)
        return seconds, [self.ids(answer) for answer in answers]

    def close(self):
        shutil.rmtree(self.directory, ignore_errors=True)


class Needletail(Contestant):
    """The engine in a process of its own, called there: filtered-benchmark. It is told the searches beforehand."""

    name = "needletail"

    def __init__(self, program, recall):
        super().__init__()
        self.program = program
        self.settings = (recall,)

    def build(self, points):
        vectors, keys = f"{self.directory}/vectors.npy", f"{self.directory}/keys.npy"
        np.save(vectors, points.base)
        np.save(keys, np.stack(list(points.keys.values()), axis=1).astype(np.float32))
        self.process = subprocess.Popen(
            [self.program, vectors, keys, ",".join(points.keys)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def request(self, case, recall, filtered):
        numbers = " ".join(map(str, case.query))
        return f"case {recall} 10 {case.key if filtered else '-'} {case.low} {case.high} {numbers}"

    def prepare(self, requests):
        print("forget", *requests, sep="\n", file=self.process.stdin, flush=True)

    def one_pass(self):
        print("pass", file=self.process.stdin, flush=True)
        seconds, found = [], []
        while (line := self.process.stdout.readline()) != "end\n":
            nanoseconds, *ids = map(int, line.split())
            seconds.append(nanoseconds / 1e9)
            found.append(ids)
        return seconds, found

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        super().close()


class Served(Contestant):
    """Needletail over TCP, so many searches in flight: from the first one sent to the last answer, over their number."""

    def __init__(self, program, recall, in_flight):
        super().__init__()
        self.name = f"needletail over TCP, {in_flight} in flight"
        self.in_flight = in_flight
        self.settings = (recall,)
        self.process = subprocess.Popen(
            [program, "--data", self.directory, "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = next(line for line in self.process.stdout if line.startswith("listening on "))
        self.connection = Connection(line.split()[-1])

    def build(self, points):
        call = self.connection.call
        call("collection.create", {"name": "filters", "vectors": {"size": points.base.shape[1]}})
        stored = (
            {"id": row, "vector": encode(vector), "payload": points.payload(row)}
            for row, vector in enumerate(points.base))
        calls = (("point.upsert", {"collection": "filters", "points": batch}) for batch in batches(stored))
        for _ in self.connection.pipeline(calls):
            pass
        for key in points.keys:
            call("index.create", {"collection": "filters", "key": key, "type": "integer"})
        call("collection.optimize", {"collection": "filters", "wait": True})
        while any(job["state"] == "running" for job in call("job.list", {})["jobs"]):
            pass

    def request(self, case, recall, filtered):
        request = {
            "collection": "filters", "vector": encode(case.query), "limit": 10, "with_payload": False,
            "params": {"recall": recall}}
        if filtered:
            request["filter"] = {"must": [{"key": case.key, "range": {"gte": case.low, "lt": case.high}}]}
        return request

    def prepare(self, requests):
        self.lines = [self.connection.line("point.search", request) for request in requests]

    def one_pass(self):
        started = time.perf_counter()
        replies = self.connection.flight(self.lines, self.in_flight)
        seconds = time.perf_counter() - started
        answers = self.connection.results(self.lines, replies)
        return [seconds / len(answers)], [[point["id"] for point in answer["points"]] for answer in answers]

    def close(self):
        self.process.terminate()
        self.process.wait()
        super().close()


class Qdrant(Contestant):
    """int8 codes in memory, rescored with the originals; indexes first, since its graph is built with them in view."""

    name = "qdrant-edge int8 + rescore"

    def build(self, points):
        import qdrant_edge as q

        codes = q.ScalarQuantizationConfig(type=q.ScalarType.Int8, quantile=0.99, memory=q.Memory.Pinned)
        size = points.base.shape[1]
        config = q.EdgeConfig(
            vectors=q.EdgeVectorParams(size=size, distance=q.Distance.Dot, memory=q.Memory.Cached),
            hnsw_config=q.HnswIndexConfig(
                m=16, ef_construct=128, full_scan_threshold=10_000, max_indexing_threads=2),
            quantization_config=codes,
            optimizers=q.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1),
            max_search_threads=1)
        self.shard = q.EdgeShard.create(self.directory, config)
        for key in points.keys:
            self.shard.update(q.UpdateOperation.create_field_index(key, q.PayloadSchemaType.Integer))
        for first in range(0, len(points.base), BATCH):
            rows = range(first, min(first + BATCH, len(points.base)))
            self.shard.update(q.UpdateOperation.upsert_points([
                q.Point(id=row, vector=points.base[row].tolist(), payload=points.payload(row)) for row in rows]))
        self.shard.optimize()

    def request(self, case, ef, filtered):
        import qdrant_edge as q

        rescore = q.QuantizationSearchParams(rescore=True, oversampling=2.0)
        window = q.FieldCondition(case.key, range=q.RangeFloat(gte=case.low, lt=case.high))
        return q.SearchRequest(
            query=q.Query.Nearest(case.query.tolist()), limit=10, filter=q.Filter(must=[window]) if filtered else None,
            params=q.SearchParams(hnsw_ef=ef, quantization=rescore))

    def search(self, request):
        return self.shard.search(request)

    def ids(self, answer):
        return [point.id for point in answer]


class Zvec(Contestant):
    """int8 codes refined with the originals; L2 on unit vectors, which is the order of the cosine."""

    name = "zvec int8 + refine"

    def build(self, points):
        import zvec

        zvec.init(query_threads=1, optimize_threads=2, log_level=zvec.LogLevel.ERROR)
        index = zvec.HnswIndexParam(
            metric_type=zvec.MetricType.L2, m=16, ef_construction=128, use_contiguous_memory=True,
            quantize_type=zvec.QuantizeType.INT8, use_flat_contiguous_memory=True)
        vector = zvec.VectorSchema("v", zvec.DataType.VECTOR_FP32, points.base.shape[1], index_param=index)
        ranges = zvec.InvertIndexParam(enable_range_optimization=True)
        fields = [zvec.FieldSchema(key, zvec.DataType.INT64, index_param=ranges) for key in points.keys]
        self.collection = zvec.create_and_open(
            f"{self.directory}/c", zvec.CollectionSchema("c", fields=fields, vectors=[vector]))
        for first in range(0, len(points.base), BATCH):
            rows = range(first, min(first + BATCH, len(points.base)))
            for status in self.collection.insert([
                    zvec.Doc(id=str(row), vectors={"v": points.base[row]}, fields=points.payload(row)) for row in rows]):
                assert status.ok(), status
        self.collection.optimize(zvec.OptimizeOption(concurrency=2))

    def request(self, case, ef, filtered):
        import zvec

        parameters = zvec.HnswQueryParam(ef=ef, is_using_refiner=True, scale_factor=2.0)
        window = f"{case.key} >= {case.low} and {case.key} < {case.high}" if filtered else None
        return zvec.Query(field_name="v", vector=case.query, param=parameters), window

    def search(self, request):
        query, window = request
        return self.collection.query(query, topk=10, filter=window, output_fields=[])

    def ids(self, answer):
        return [int(document.id) for document in answer]
