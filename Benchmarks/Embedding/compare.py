#!/usr/bin/env python3
"""Texts into vectors: `text.embed` over TCP beside sentence-transformers, in turns within one run.

    compare.py PACKAGES.jsonl[.gz] --needletaild PROGRAM [--int8] [--model DIR] [--seconds 8] [--json FILE]
    compare.py PACKAGES.jsonl[.gz] --write-texts FILE [--model DIR]

The texts are package descriptions, one behind the other, cut to 16 to 32 tokens, 24 in the mean; none comes twice, so
that no cache knows it. Needs: pip install torch sentence-transformers. Each server runs with two connections that send
batches of 64 (vectors in base64), then 16 connections with one text each, then one connection with single questions,
then with one and the same text. What is timed is from sending a line to having read the reply's.
"""

import argparse
import base64
import gzip
import json
import os
import pathlib
import random
import select
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time

BATCH = 64


def default_model():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("NEEDLETAIL_MODEL") or f"{cache}/needletail/models/all-MiniLM-L6-v2"


def descriptions(path):
    opened = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
    with opened as lines:
        return [json.loads(line)["text"] for line in lines]


def cut(texts, tokenizer, count, seed=1):
    """Texts of 16 to 32 tokens, the two special ones counted, from the descriptions in their order."""
    chance = random.Random(seed)
    result, position = [], 0
    while len(result) < count and position + 4 < len(texts):
        wanted = chance.randint(16, 32) - 2
        whole, position = texts[position], position + 1
        while True:
            ends = tokenizer(whole, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
            if len(ends) >= wanted:
                break
            whole, position = f"{whole}; {texts[position]}", position + 1
        result.append(whole[: ends[wanted - 1][1]])
    return result


class Texts:
    """Gives texts that nobody has seen."""

    def __init__(self, texts):
        self.texts, self.next, self.lock = texts, 0, threading.Lock()

    def take(self, count):
        with self.lock:
            first, self.next = self.next, self.next + count
        if self.next > len(self.texts):
            raise SystemExit("not enough texts: measure for fewer seconds")
        return self.texts[first : first + count]


class SentenceTransformers:
    name = "sentence-transformers"

    def __init__(self, directory, threads):
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        self.torch = torch
        self.model = SentenceTransformer(directory, device="cpu")
        self.tokenizer = self.model.tokenizer

    def encode(self, texts):
        with self.torch.inference_mode():
            return self.model.encode(texts, batch_size=BATCH, show_progress_bar=False, normalize_embeddings=True)

    def batches(self, texts, seconds):
        self.encode(texts.take(BATCH))
        count, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            self.encode(texts.take(BATCH))
            count += BATCH
        return count / (time.perf_counter() - started)

    def single(self, texts, count):
        times = []
        for text in texts.take(count):
            started = time.perf_counter()
            self.encode([text])
            times.append(time.perf_counter() - started)
        return statistics.median(times) * 1e6


class Connection:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.line()

    def send(self, texts, kind="passage", method="text.embed"):
        params = {"texts": texts, "kind": kind, "vector_encoding": "base64"} if method == "text.embed" else {}
        line = json.dumps({"id": 1, "method": method, "params": params}, separators=(",", ":"))
        self.socket.sendall(line.encode() + b"\n")

    def line(self):
        while not self.buffer.endswith(b"\n"):
            part = self.socket.recv(1 << 18)
            if not part:
                raise SystemExit("the server closed the connection")
            self.buffer += part
        whole, self.buffer = bytes(self.buffer), bytearray()
        if b'"error"' in whole[:200]:
            raise SystemExit(f"refused: {whole[:300]}")
        return whole

    def call(self, texts, kind="passage"):
        self.send(texts, kind)
        return self.line()


class Needletail:
    def __init__(self, program, directory, precision):
        self.name = f"needletail, {precision}"
        self.data = tempfile.TemporaryDirectory(prefix="needletail-bench.")
        environment = {**os.environ, "NEEDLETAIL_MODEL_WEIGHTS": precision, "NEEDLETAIL_LOG_LEVEL": "error"}
        self.process = subprocess.Popen(
            [program, "--listen", "127.0.0.1:0", "--data", self.data.name, "--model", directory],
            stdout=subprocess.PIPE, text=True, env=environment)
        self.address = self.process.stdout.readline().split()[-1]
        Connection(self.address).call(["ready"])

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.data.cleanup()

    def vectors(self, texts):
        connection, result = Connection(self.address), []
        for first in range(0, len(texts), BATCH):
            reply = json.loads(connection.call(texts[first : first + BATCH]))
            for vector in reply["result"]["vectors"]:
                raw = base64.b64decode(vector)
                result.append(struct.unpack(f"<{len(raw) // 4}f", raw))
        return result

    def rate(self, texts, seconds, connections, batch):
        """Texts a second over connections that each ask for `batch` texts and then for the next."""
        waiting = {}
        for _ in range(connections):
            connection = Connection(self.address)
            waiting[connection.socket] = connection
            connection.call(texts.take(batch))
        for connection in waiting.values():
            connection.send(texts.take(batch))
        count, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            for ready in select.select(list(waiting), [], [])[0]:
                waiting[ready].line()
                count += batch
                waiting[ready].send(texts.take(batch))
        return count / (time.perf_counter() - started)

    def single(self, texts, count, same=False):
        connection, times = Connection(self.address), []
        for text in texts.take(1) * count if same else texts.take(count):
            started = time.perf_counter()
            connection.call([text], "query")
            times.append(time.perf_counter() - started)
        return statistics.median(times[count // 10 :]) * 1e6

    def cache(self):
        connection = Connection(self.address)
        connection.send([], method="server.info")
        return json.loads(connection.line())["result"].get("embedding_cache")


def cosines(left, right):
    return [sum(x * y for x, y in zip(a, b)) for a, b in zip(left, right)]


def measure(contestant, texts, seconds):
    figures = {
        "batches_per_second": contestant.rate(texts, seconds, 2, BATCH),
        "connections_16_per_second": contestant.rate(texts, seconds, 16, 1),
        "single_us": contestant.single(texts, 200),
        "cached_us": contestant.single(texts, 2_000, same=True),
    }
    figures["connections_over_batches"] = figures["connections_16_per_second"] / figures["batches_per_second"]
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages")
    parser.add_argument("--needletaild")
    parser.add_argument("--int8", action="store_true", help="also with int8 weights")
    parser.add_argument("--model", default=default_model())
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--threads", type=int, default=2, help="of sentence-transformers")
    parser.add_argument("--write-texts")
    parser.add_argument("--json")
    arguments = parser.parse_args()

    peer = SentenceTransformers(arguments.model, arguments.threads)
    whole = cut(descriptions(arguments.packages), peer.tokenizer, 30_000)
    if arguments.write_texts:
        lines = (json.dumps({"text": text}, ensure_ascii=False) for text in whole)
        pathlib.Path(arguments.write_texts).write_text("\n".join(lines) + "\n")
        return
    tokens = statistics.fmean(len(peer.tokenizer(text)["input_ids"]) for text in whole[:2_000])
    texts, sample = Texts(whole[1_000:]), whole[:1_000]
    result = {"tokens": tokens, "ratios": {}}
    # The peer twice, before and after, and its better figures: a machine is not the same all the time.
    theirs = [(peer.batches(texts, arguments.seconds), peer.single(texts, 100))]
    exact = None
    for precision in ["float32"] + (["int8"] if arguments.int8 else []):
        server = Needletail(arguments.needletaild, arguments.model, precision)
        try:
            result[precision] = measure(server, texts, arguments.seconds)
            result[precision]["cache"] = server.cache()
            vectors = server.vectors(sample)
        finally:
            server.close()
        exact = exact or [list(map(float, vector)) for vector in peer.encode(sample)]
        found = cosines(vectors, exact)
        result[precision]["cosine_mean"], result[precision]["cosine_worst"] = statistics.fmean(found), min(found)
    theirs.append((peer.batches(texts, arguments.seconds), peer.single(texts, 100)))
    rate, single = max(one for one, _ in theirs), min(one for _, one in theirs)
    result["sentence-transformers"] = {"batches_per_second": rate, "single_us": single, "rounds": theirs}
    for precision in ["float32", "int8"]:
        if precision in result:
            ours = result[precision]
            result["ratios"][f"{precision}_batches"] = ours["batches_per_second"] / rate
            result["ratios"][f"{precision}_single"] = ours["single_us"] / single
    print(json.dumps(result, indent=2))
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
