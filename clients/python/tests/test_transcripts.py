"""The golden conversations and the schemas of the protocol hold this client too."""

from __future__ import annotations

import inspect
import json
import pathlib
from typing import Any

import pytest

from conftest import REPOSITORY
from needletail import Client, Document, Point, Query, RankFusion, SearchParams, Space
from needletail.call import Call
from needletail.errors import KINDS, server_error
from needletail.methods import (
    aliases, changes, collections, documents, indexes, jobs, models, points, query, searches, server, snapshots
)  # fmt: skip

PROTOCOL = REPOSITORY / "proto"
TRANSCRIPTS = sorted((PROTOCOL / "transcripts").glob("*.jsonl"))

_search: dict[str, Any] = dict(
    limit=1, offset=0, filter={}, score_threshold=0.5, using="a", params=SearchParams(ef=5, rescore=True),
    with_payload=["a"], with_vector=True, explain=True, min_lsn=1,
)  # fmt: skip
_hybrid: dict[str, Any] = dict(fusion=RankFusion(3), keys=["a"], mmr=query.Diversity(0.5, 9))
_write: dict[str, Any] = dict(op_key="k")

# Each method with everything that it can send.
CALLS: list[Call[Any]] = [
    server.ping(), server.info(), server.health(), server.login("k"),
    collections.create_collection(
        "c", Space(3, "dot", "m", "int8", 16, 100), durability="os", text_key="t", exist_ok=True
    ),
    collections.get_collection("c", quality=True, min_lsn=1),
    collections.list_collections(), collections.delete_collection("c", missing_ok=True),
    collections.update_collection("c", quality_baseline="now"), collections.optimize("c", wait=True),
    points.upsert("c", [Point(1, [1], None, None, {"a": 1}, 1, 9)], if_absent=True, model="m", **_write),
    points.get("c", [1, "a"], with_payload=["a"], with_vector=True, min_lsn=1),
    points.count("c", filter={}, min_lsn=1),
    points.scroll_page(
        "c", filter={}, limit=1, order_by="k", direction="desc", cursor="x", with_payload=False, with_vector=True,
        min_lsn=1,
    ),
    points.facet("c", "k", filter={}, limit=1, min_lsn=1),
    changes.delete("c", [1], **_write), changes.set_payload("c", {"a": 1}, filter={}, **_write),
    changes.replace_payload("c", {"a": 1}, all=True, **_write), changes.delete_payload("c", ["a"], [1], **_write),
    changes.set_vectors("c", [Point(1, vectors={"a": [1]})], model="m", **_write),
    searches.search("c", text="t", vector=[1], model="m", **_search, **_hybrid),
    searches.search_batch("c", Query.rows([[1.0]], limit=3), min_lsn=1),
    searches.search_groups("c", point_id=1, group_by="k", group_size=2, model="m", **_search),
    searches.recommend("c", [1], ["a"], text="t", **_search, **_hybrid),
    documents.upsert_documents(
        "c", [Document("a", "t", "markdown", {"a": 1})], max_tokens=50, overlap_tokens=5, model="m", **_write
    ),
    documents.get_document("c", "a", with_vector=True, min_lsn=1), documents.delete_documents("c", ["a"], **_write),
    models.embed(["a"], kind="query", model="m"), models.start_reembedding("c", "m", using="a"),
    models.get_reembedding("c"), models.cut_over("c", force=True), models.roll_back("c"),
    indexes.create_index("c", "k", "text", tenant=True, stemming="english", stop_words=["a"]),
    indexes.delete_index("c", "k"), indexes.list_indexes("c"),
    aliases.set_aliases({"a": "c"}), aliases.delete_aliases(["a"]), aliases.list_aliases(),
    snapshots.create_snapshot("c"), snapshots.list_snapshots("c"), snapshots.delete_snapshot("s"),
    snapshots.verify_snapshot("s"), snapshots.restore_snapshot("s", "c", to_lsn=1, to_time=1),
    snapshots.read_snapshot("s", 5, bytes=9), snapshots.begin_import(), snapshots.write_import("i", 0, b"x"),
    snapshots.commit_import("i", "s"), snapshots.abort_import("i"),
    jobs.list_jobs(), jobs.get_job("j"), jobs.cancel_job("j"),
]  # fmt: skip
# Sent by the asyncio client by itself.
INTERNAL = {"server.cancel"}


def schema_names() -> set[str]:
    return {path.stem for path in (PROTOCOL / "methods").glob("*.json")}


def test_every_method_of_the_protocol_has_its_call() -> None:
    assert {call.method for call in CALLS} | INTERNAL == schema_names()


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.method)
def test_only_parameters_of_the_schema_are_sent(call: Call[Any]) -> None:
    schema = json.loads((PROTOCOL / "methods" / f"{call.method}.json").read_text())["$defs"]["params"]
    sent = json.loads(call.line(1, 5))["params"]
    assert sent.keys() <= schema["properties"].keys()
    assert set(schema.get("required", [])) <= sent.keys()
    assert not any(value is None for value in sent.values())


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.method)
def test_writes_that_take_a_key_are_repeatable_and_reads_change_nothing(call: Call[Any]) -> None:
    schema = json.loads((PROTOCOL / "methods" / f"{call.method}.json").read_text())["$defs"]["params"]
    if "op_key" in schema["properties"]:
        assert call.repeatable and call.writes and call.params["op_key"]
    if "min_lsn" in schema["properties"]:
        assert call.repeatable and not call.writes


def test_a_key_is_made_up_for_each_write() -> None:
    keys = {changes.delete("c", [1]).params["op_key"] for _ in range(100)}
    assert len(keys) == 100 and all(1 <= len(key) <= 64 for key in keys)


EXAMPLES = {"integer": 1, "number": 0.5, "string": "s", "boolean": True, "array": [], "object": {}, "value": None}


def sample(pattern: Any, remembered: dict[str, Any]) -> Any:
    """A value that the pattern of a transcript matches."""
    if isinstance(pattern, list):
        return [sample(each, remembered) for each in pattern]
    if not isinstance(pattern, dict):
        return pattern
    if "$any" in pattern:
        value = pattern.get("sample", EXAMPLES[pattern["$any"]])
        remembered[pattern.get("as", "")] = value
        return value
    if "$near" in pattern:
        return pattern["$near"]
    if "$same" in pattern:
        return remembered[pattern["$same"]]
    return {key: sample(value, remembered) for key, value in pattern.items() if key != "$open"}


def replies(path: pathlib.Path) -> list[tuple[str, Any]]:
    """Each answer of a transcript with the method that it answers."""
    found: list[tuple[str, Any]] = []
    methods: dict[Any, str] = {}
    remembered: dict[str, Any] = {}
    for text in path.read_text().splitlines():
        step = json.loads(text)
        if "send" in step:
            try:
                request = json.loads(step["send"])
                methods[request["id"]] = request["method"]
            except (ValueError, KeyError, TypeError):
                continue
        elif "expect" in step and isinstance(step["expect"], dict):
            reply = sample(step["expect"], remembered)
            if isinstance(reply.get("id"), (int, str)) and reply["id"] in methods:
                found.append((methods[reply["id"]], reply))
    return found


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_results_and_errors_of_the_golden_conversations_are_understood(path: pathlib.Path) -> None:
    readers = {call.method: call for call in CALLS if call.method != "text.embed"}
    understood = 0
    for method, reply in replies(path):
        if "error" in reply:
            error = server_error(reply["error"])
            assert type(error) is KINDS[reply["error"]["data"]["kind"]]
            assert error.at == reply["error"]["data"].get("at")
            understood += 1
        elif method in readers:
            readers[method].result(reply["result"])
            understood += 1
    assert understood > 0


def test_every_method_of_the_client_says_what_it_takes() -> None:
    for name, method in inspect.getmembers(Client, inspect.isfunction):
        if name.startswith("__"):
            continue
        assert method.__doc__, name
        assert next(iter(inspect.signature(method).parameters)) == "self", name
    assert "collection" in inspect.signature(Client("a").search).parameters
