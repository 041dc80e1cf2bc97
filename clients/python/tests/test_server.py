"""Both clients against the real server: every method once, and what it answers."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from needletail import (
    AlreadyExists,
    Client,
    Conflict,
    DimensionMismatch,
    Field,
    InvalidArgument,
    InvalidParams,
    JobFailed,
    NotFound,
    Point,
    Query,
    RankFusion,
    SearchParams,
    Space,
    WeightedFusion,
    has_id,
)
from needletail.methods.query import Diversity

COLOURS = [
    Point(1, [1, 0, 0], payload={"name": "red", "warm": True, "rank": 1}),
    Point(2, [1, 0.6, 0], payload={"name": "orange", "warm": True, "rank": 2}),
    Point("sky", [0.5, 0.8, 1], payload={"name": "sky blue", "warm": False, "rank": 3}),
]


@pytest.fixture
def colours(client: Any, name: str) -> str:
    client.create_collection(name, Space(3, "euclid"))
    client.upsert(name, COLOURS)
    return name


def test_the_server_describes_itself(client: Any, colours: str) -> None:
    assert abs(client.ping().now_ms / 1000 - datetime.now().timestamp()) < 60
    info = client.info()
    assert info.limits.line_bytes > 0 and colours in [each.name for each in info.collections]
    assert client.health().collections[colours].state == "ready"


def test_collections_come_and_go(client: Any, name: str) -> None:
    created = client.create_collection(name, {"a": Space(2, quantization="none", m=8), "b": Space(3, "dot")})
    assert (created.name, created.created) == (name, True)
    with pytest.raises(AlreadyExists) as caught:
        client.create_collection(name, Space(2))
    assert caught.value.at == "name"
    assert not client.create_collection(name, Space(2), exist_ok=True).created
    found = client.get_collection(name)
    assert found.config.vectors["b"]["metric"] == "dot" and found.config.vectors["a"]["hnsw"]["m"] == 8
    assert (found.points, found.config.durability) == (0, "fsync")
    assert name in [each.name for each in client.list_collections()]
    assert client.update_collection(name, quality_baseline="now").job is None
    assert client.delete_collection(name) is True
    assert client.delete_collection(name, missing_ok=True) is False
    with pytest.raises(NotFound):
        client.delete_collection(name)


def test_points_are_written_read_and_found(client: Any, colours: str) -> None:
    written = client.upsert(colours, [Point(1, np.array([1.0, 0, 0])), Point(9, np.arange(3), expires_at=None)])
    assert (written.created, written.updated, written.durable) == (1, 1, "fsync")
    found = client.get(colours, [9, "absent", 1], with_vector=True)
    assert [each.id for each in found.points] == [9, 1] and found.missing == ["absent"]
    assert found.points[0].vector.dtype == np.float32 and found.points[0].vector.tolist() == [0, 1, 2]
    assert found.points[1].version == written.lsn
    result = client.search(
        colours, vector=[1, 0.3, 0], limit=1, filter=Field("warm") == True, with_payload="name"  # noqa: E712
    )
    assert [(hit.id, hit.payload) for hit in result] == [(2, {"name": "orange"})]
    assert result[0].score == pytest.approx(0.3)
    assert (len(result), result.complete, result.lsn) == (1, True, written.lsn)


def test_vectors_come_back_bit_for_bit(client: Any, name: str) -> None:
    client.create_collection(name, Space(384))
    matrix = np.random.default_rng(1).normal(size=(50, 384)).astype(np.float32)
    client.upsert(name, Point.rows(range(50), matrix))
    found = client.get(name, range(50), with_vector=True).points
    assert np.array_equal(np.stack([each.vector for each in found]), matrix)
    results = client.search_batch(name, Query.rows(matrix[:7], limit=1, with_vector=True))
    assert [result[0].id for result in results] == list(range(7))
    assert np.array_equal(results[3][0].vector, matrix[3])


def test_several_spaces(client: Any, name: str) -> None:
    client.create_collection(name, {"a": Space(2), "b": Space(3)})
    client.upsert(name, [Point(1, vectors={"a": [1, 0], "b": [0, 0, 1]}), Point(2, vectors={"a": [0, 1]})])
    assert [hit.id for hit in client.search(name, vector=[0, 1], using="a")] == [2, 1]
    assert [hit.id for hit in client.search(name, vector=[0, 1, 1], using="b")] == [1]
    assert client.set_vectors(name, [Point(2, vectors={"b": [1, 1, 0]})]).changed == 1
    stored = client.get(name, [2], with_vector=True).points[0]
    assert stored.vector is None and {key: each.tolist() for key, each in stored.vectors.items()} == {
        "a": [0, 1],
        "b": [1, 1, 0],
    }
    with pytest.raises(InvalidArgument, match="upsert"):
        client.set_vectors(name, [Point(2, [1, 0], payload={"a": 1})])


def test_conditions_of_writes(client: Any, colours: str) -> None:
    version = client.get(colours, [1]).points[0].version
    with pytest.raises(Conflict) as caught:
        client.upsert(colours, [Point(1, [0, 0, 1], if_version=version + 1)])
    assert [(each.id, each.version) for each in caught.value.conflicts] == [(1, version)]
    client.upsert(colours, [Point(1, [0, 0, 1], if_version=version)])
    with pytest.raises(Conflict):
        client.upsert(colours, [Point(1, [0, 0, 1])], if_absent=True)
    past = datetime.now(timezone.utc) + timedelta(hours=1)
    client.upsert(colours, [Point(5, [0, 0, 1], expires_at=past)])
    assert client.get(colours, [5]).points[0].expires_at == round(past.timestamp() * 1000)


def test_a_key_makes_a_write_happen_once(client: Any, colours: str) -> None:
    first = client.delete(colours, [1], op_key="once")
    assert (first.deleted, client.delete(colours, [1], op_key="once")) == (1, first)


def test_payloads_change_without_vectors(client: Any, colours: str) -> None:
    assert client.set_payload(colours, {"seen": True}, filter=Field("warm") == True).changed == 2  # noqa: E712
    assert client.delete_payload(colours, ["rank"], ["sky"]).changed == 1
    assert client.replace_payload(colours, {"a": 1}, [1]).changed == 1
    payloads = {each.id: each.payload for each in client.get(colours, [1, 2, "sky"]).points}
    assert payloads == {
        1: {"a": 1},
        2: {"name": "orange", "warm": True, "rank": 2, "seen": True},
        "sky": {"name": "sky blue", "warm": False},
    }
    with pytest.raises(InvalidArgument, match="exactly one"):
        client.set_payload(colours, {"a": 1})
    with pytest.raises(InvalidArgument, match="exactly one"):
        client.delete(colours, [1], all=True)
    with pytest.raises(InvalidParams):
        client.delete(colours, filter={})
    assert client.delete(colours, all=True).deleted == 3


def test_counting_scrolling_and_facets(client: Any, colours: str) -> None:
    assert client.count(colours) == 3
    assert client.count(colours, filter=has_id(1, 7, "sky")) == 2
    assert [each.id for each in client.scroll(colours, page=1)] == [1, 2, "sky"]
    ordered = client.scroll(colours, order_by="rank", direction="desc", page=2, with_vector=True)
    assert [(each.id, each.vector[0]) for each in ordered] == [("sky", 0.5), (2, 1), (1, 1)]
    page = client.scroll_page(colours, limit=2)
    assert len(page.points) == 2 and client.scroll_page(colours, cursor=page.cursor).cursor is None
    job = client.create_index(colours, "name", "keyword").job
    assert client.wait_for(job).state == "done"
    assert [(each.value, each.count) for each in client.facet(colours, "name", limit=2)] == [("orange", 1), ("red", 1)]


def test_indexes(client: Any, colours: str) -> None:
    seen: list[Any] = []
    created = client.create_index(colours, "name", "text", stemming="english", stop_words=["the"])
    client.wait_for(created.job, progress=seen.append)
    assert seen and created.job in [each.job for each in client.list_jobs()]
    [index] = client.list_indexes(colours)
    assert (index.key, index.type, index.state, index.options["stemming"]) == ("name", "text", "ready", "english")
    assert [hit.id for hit in client.search(colours, vector=[0, 0, 1], filter=Field("name").words("SKY"))] == ["sky"]
    with pytest.raises(AlreadyExists):
        client.create_index(colours, "name", "keyword")
    client.delete_index(colours, "name")
    assert client.list_indexes(colours) == []


def test_a_cancelled_job_is_an_error_for_who_waits(client: Any, colours: str) -> None:
    job = client.create_index(colours, "name", "keyword").job
    state = client.cancel_job(job).state
    if state == "done":
        assert client.wait_for(job).state == "done"  # it was faster
    else:
        with pytest.raises(JobFailed, match=job):
            client.wait_for(job)


def test_every_way_to_search(client: Any, colours: str) -> None:
    assert [hit.id for hit in client.search(colours, point_id=1)] == [2, "sky"]
    assert [hit.id for hit in client.recommend(colours, [1], ["sky"], params=SearchParams(exact=True))] == [2]
    groups = client.search_groups(colours, vector=[1, 0, 0], group_by="warm", group_size=1)
    assert [(group.value, [hit.id for hit in group.points]) for group in groups] == [(True, [1]), (False, ["sky"])]
    diverse = client.search(colours, vector=[1, 0, 0], mmr=Diversity(0.1, 3), limit=2, explain=True)
    assert len(diverse) == 2 and diverse.explain is not None
    for fusion in (RankFusion(), WeightedFusion(0.0, 1.0)):
        found = client.search(colours, vector=[1, 0, 0], text="sky", fusion=fusion, keys=["name"], limit=3)
        assert "sky" in [hit.id for hit in found]
    assert [hit.id for hit in client.search(colours, vector=[1, 0, 0], score_threshold=0.1)] == [1]
    assert [hit.id for hit in client.search(colours, vector=[1, 0, 0], offset=1, limit=1)] == [2]
    with pytest.raises(InvalidArgument, match="nothing to search for"):
        client.search(colours)
    with pytest.raises(InvalidArgument, match="vector="):
        client.search(colours, [1, 0, 0])
    with pytest.raises(InvalidArgument, match="several"):
        client.upsert(colours, Point(1, [1, 0, 0]))


def test_optimizing_reports_and_waits(client: Any, colours: str) -> None:
    reports: list[tuple[str, int, int]] = []
    client.optimize(colours, wait=True, progress=lambda *report: reports.append(report))
    found = client.get_collection(colours)
    assert found.indexed_points == found.points == 3
    assert all(isinstance(phase, str) and done <= total for phase, done, total in reports)


def test_aliases(client: Any, colours: str) -> None:
    client.set_aliases({f"{colours}-live": colours})
    assert client.list_aliases()[f"{colours}-live"] == colours
    assert client.count(f"{colours}-live") == 3
    client.delete_aliases([f"{colours}-live"])
    with pytest.raises(NotFound):
        client.delete_aliases([f"{colours}-live"])


def test_snapshots_and_archives(client: Any, colours: str) -> None:
    made = client.create_snapshot(colours)
    assert made.points == 3 and client.verify_snapshot(made.snapshot).ok
    assert [each.snapshot for each in client.list_snapshots(colours)] == [made.snapshot]
    restored = client.restore_snapshot(made.snapshot, f"{colours}-restored")
    assert (restored.points, client.count(f"{colours}-restored")) == (3, 3)
    archive = list(client.export_snapshot(made.snapshot, piece_bytes=70_000))
    whole = b"".join(archive)
    pieces = [whole[start : start + 1000] for start in range(0, len(whole), 1000)]
    brought = client.import_snapshot(pieces, as_=f"{colours}-brought")
    assert (brought.points, brought.sha256) == (3, made.sha256)
    damaged = whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:]
    with pytest.raises(Exception, match="corruption"):
        client.import_snapshot([damaged], as_=f"{colours}-damaged")
    for name in (made.snapshot, f"{colours}-brought"):
        client.delete_snapshot(name)
    assert client.list_snapshots(colours) == []


def test_the_servers_errors_name_the_place(client: Any, colours: str) -> None:
    with pytest.raises(DimensionMismatch) as caught:
        client.upsert(colours, [Point(7, [1, 2, 3]), Point(8, [1, 2])])
    error = caught.value
    assert (error.at, error.expected, error.got, error.retryable) == ("points[1].vector", "3", "2", False)
    assert not error.may_have_been_executed and "points[1].vector" in str(error)
    assert client.count(colours, filter=has_id(7)) == 0
    with pytest.raises(NotFound) as missing:
        client.count("no-such-collection")
    assert missing.value.at == "collection" and "no-such-collection" in str(missing.value)
    with pytest.raises(InvalidParams) as wrong:
        client.search(colours, vector=[1, 0, 0], filter={"must": [{"kay": "a"}]})
    assert wrong.value.at is not None and wrong.value.at.startswith("filter.must[0]")


def test_waiting_for_a_write_of_the_future_ends(client: Any, colours: str) -> None:
    lsn = client.upsert(colours, COLOURS).lsn
    assert client.count(colours, min_lsn=lsn) == 3
    with pytest.raises(Exception, match="min_lsn") as caught:
        client.count(colours, min_lsn=lsn + 1000, timeout=0.5)
    assert getattr(caught.value, "kind", "") == "deadline"


def test_a_blocking_client_serves_several_threads(server: Any, name: str) -> None:
    client = Client(server.address)
    client.create_collection(name, Space(3, "dot"))
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for index in range(20):
                id = 1000 + number * 100 + index
                client.upsert(name, [Point(id, [number, index, 0], payload={"thread": number})])
                assert client.get(name, [id]).points[0].payload == {"thread": number}
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures and client.count(name) == 120
    client.close()


@pytest.mark.usefixtures("needs_model")
def test_texts_are_embedded_by_the_server(client: Any, name: str) -> None:
    client.create_collection(name, Space(model="all-MiniLM-L6-v2"))
    client.upsert(name, [Point("gimp", text="GNU image manipulation program"), Point("vlc", text="multimedia player")])
    assert client.search(name, text="tool to retouch photographs", limit=1)[0].id == "gimp"
    embedded = client.embed(["a", "b", ""], kind="query")
    assert embedded.vectors.shape == (3, 384) and embedded.vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(embedded.vectors, axis=1), 1, atol=1e-5)
    assert client.embed([]).vectors.shape == (0, 384)
    with pytest.raises(Exception, match="model"):
        client.embed(["a"], model="another")
    with pytest.raises(NotFound):
        client.get_reembedding(name)
    for refused in (client.start_reembedding, client.cut_over, client.roll_back):
        with pytest.raises(Exception, match="no-model|re-?embed|model"):
            refused(name, "no-model") if refused.__name__ == "start_reembedding" else refused(name)


@pytest.mark.usefixtures("needs_model")
def test_documents_are_cut_and_found(client: Any, name: str) -> None:
    from needletail import Document

    client.create_collection(name, Space(model="all-MiniLM-L6-v2"))
    text = "# Birds\nSwifts sleep in the air.\n\n## Needletails\nThe needletail is the fastest of them.\n"
    document = Document("birds.md", text, "markdown", {"lang": "en"})
    first = client.upsert_documents(name, [document], max_tokens=100)
    assert (first.chunks, first.embedded) == (2, 2)
    again = client.upsert_documents(name, [document], max_tokens=100)
    assert (again.embedded, again.unchanged) == (0, 2)
    hit = client.search(name, text="which bird is the quickest", limit=1)[0]
    assert hit.payload["heading_path"] == ["Birds", "Needletails"] and hit.payload["lang"] == "en"
    stored = client.get_document(name, "birds.md", with_vector=True)
    chunk = stored.points[1]
    assert text.encode()[chunk.payload["start"] : chunk.payload["end"]].decode() == chunk.payload["text"]
    assert chunk.vector is not None and chunk.vector.shape == (384,)
    assert client.delete_documents(name, ["birds.md"]).deleted == 2
    assert client.get_document(name, "birds.md").points == []


