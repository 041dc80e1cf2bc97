"""A minimal client of the wire protocol for measurements: shares no code with the server or the Swift client."""

import base64
import json
import socket


BATCH = 500
WINDOW = 16


class Connection:
    def __init__(self, address):
        host, port = address.removeprefix("needletail://").rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", buffering=1 << 20)
        self.hello = json.loads(self.file.readline())
        self.next_id = 0

    def send(self, method, params):
        self.next_id += 1
        line = json.dumps({"id": self.next_id, "method": method, "params": params}, separators=(",", ":"))
        self.socket.sendall(line.encode() + b"\n")
        return self.next_id

    def receive(self):
        while True:
            reply = json.loads(self.file.readline())
            if "id" in reply:
                if "error" in reply:
                    raise SystemExit(f"refused: {reply['error']}")
                return reply

    def call(self, method, params):
        self.send(method, params)
        return self.receive()["result"]

    def pipeline(self, calls):
        """Yields the results of (method, params) pairs in the order of the calls, WINDOW of them in flight."""
        waiting, results, position = {}, {}, 0
        for number, (method, params) in enumerate(calls):
            waiting[self.send(method, params)] = number
            if len(waiting) >= WINDOW:
                reply = self.receive()
                results[waiting.pop(reply["id"])] = reply["result"]
            while position in results:
                yield results.pop(position)
                position += 1
        while waiting:
            reply = self.receive()
            results[waiting.pop(reply["id"])] = reply["result"]
        while position in results:
            yield results.pop(position)
            position += 1


    def line(self, method, params):
        """A request as bytes, to be sent in a flight."""
        self.next_id += 1
        return json.dumps({"id": self.next_id, "method": method, "params": params}).encode() + b"\n"

    def flight(self, lines, window):
        """Sends these, `window` of them unanswered at most. The replies as bytes, in the order in which they come."""
        replies = []
        for number, line in enumerate(lines):
            if number >= window:
                replies.append(self.file.readline())
            self.socket.sendall(line)
        while len(replies) < len(lines):
            replies.append(self.file.readline())
        return replies

    @staticmethod
    def results(lines, replies):
        """What the replies say, in the order of the requests."""
        places = {json.loads(line)["id"]: place for place, line in enumerate(lines)}
        results = [None] * len(lines)
        for reply in map(json.loads, replies):
            if "error" in reply:
                raise SystemExit(f"refused: {reply['error']}")
            results[places[reply["id"]]] = reply["result"]
        return results


def encode(vector):
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


def rows(texts, vectors):
    for index, line in enumerate(texts):
        payload = json.loads(line)
        yield {"id": payload["id"], "vector": encode(vectors[index]), "payload": payload}


def batches(points):
    batch = []
    for point in points:
        batch.append(point)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
