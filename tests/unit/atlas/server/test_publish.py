"""POST /api/v1/publish: status and answer; what the bodies mean is in tests/data/ingest."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from atlas.server.app import make_app
from atlas.store.limits import StoreLimits
from atlas.store.memory import MemoryStore, StoreConfig
from tests.unit.atlas.server.conftest import Caller

BAD = {"name": "cpu", "nf.foo": "x"}


def metric(now_ms, tags=None):
    return {"tags": tags or {"name": "cpu"}, "timestamp": now_ms, "value": 1.0}


def test_batch_that_is_taken_is_answered_with_nothing(server, now_ms):
    answer = server.post("/api/v1/publish", {"metrics": [metric(now_ms)]})
    assert (answer.status, answer.body) == (200, b"")


def test_batch_taken_in_part(server, now_ms):
    answer = server.post("/api/v1/publish", {"metrics": [metric(now_ms), metric(now_ms, BAD)]})
    assert answer.status == 202
    assert answer.json == {
        "type": "partial",
        "errorCount": 1,
        "message": [
            'invalid key for reserved prefix \'nf.\': nf.foo (tags={"name":"cpu","nf.foo":"x"})'
        ],
    }


def test_batch_refused_as_a_whole(server, now_ms):
    answer = server.post("/api/v1/publish-fast", {"metrics": [metric(now_ms, BAD)] * 7})
    assert answer.status == 400
    assert answer.json["type"] == "error"
    assert answer.json["errorCount"] == 7
    assert len(answer.json["message"]) == 5


def test_series_beyond_the_bound_are_refused_by_name(server, now_ms):
    metrics = [metric(now_ms, {"name": "cpu", "node": f"i-{i}"}) for i in range(51)]
    answer = server.post("/api/v1/publish", {"metrics": metrics})
    assert answer.status == 202
    assert answer.json["message"][0].startswith("too many series: 51 > 50")
    assert b'atlas_refused_total{reason="series"} 1.0' in server.get("/metrics").body


def new_series(now_ms, count, name="cpu"):
    return {"metrics": [metric(now_ms, {"name": name, "node": f"i-{i}"}) for i in range(count)]}


def test_batch_of_series_beyond_the_bound_is_too_many_requests(server, now_ms):
    assert server.post("/api/v1/publish", new_series(now_ms, 50)).status == 200
    answer = server.post("/api/v1/publish", new_series(now_ms, 7, name="disk"))
    assert (answer.status, answer.json["type"], answer.json["errorCount"]) == (429, "error", 7)
    assert answer.json["message"][0].startswith("too many series: 51 > 50; raise --max-series")
    assert server.post("/api/v1/publish", new_series(now_ms, 50)).status == 200
    assert b'atlas_refused_total{reason="series"} 7.0' in server.get("/metrics").body


def test_batch_that_memory_has_no_room_for_is_unavailable(now_ms):
    limits = StoreLimits(bytes_max=400_000, batch_cache_bytes_max=0)
    store = MemoryStore(StoreConfig(60_000, 3_600_000, 7_200_000, limits))
    small = Caller(make_app(store, lambda: now_ms))
    part = small.post("/api/v1/publish", new_series(now_ms, 1000))
    assert part.status == 202
    taken = 1000 - part.json["errorCount"]
    assert 10 < taken < 990
    none = small.post("/api/v1/publish", new_series(now_ms, 7, name="disk"))
    assert (none.status, none.json["type"], none.json["errorCount"]) == (503, "error", 7)
    assert none.json["message"][0].startswith("no memory for a new series: 0 MiB of 0 MiB")
    assert small.post("/api/v1/publish", new_series(now_ms, taken)).status == 200
    bad = {"metrics": [metric(now_ms, BAD)]}
    assert small.post("/api/v1/publish", bad).status == 400
    assert b'atlas_refused_total{reason="tags"} 1.0' in small.get("/metrics").body


def test_figures_say_how_values_are_stored(server, now_ms):
    server.post("/api/v1/publish", new_series(now_ms, 3))
    text = server.get("/metrics").body.decode()
    assert 'atlas_block_bytes{class="open"} 4096.0' in text
    for kind in ("plain", "constant", "sparse", "compressed"):
        assert f'atlas_block_bytes{{class="{kind}"}} 0.0' in text
    assert "atlas_used_bytes " in text


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_packed_body(server, now_ms, pack):
    body = pack(json.dumps({"metrics": [metric(now_ms)]}).encode())
    encoding = "gzip" if pack is gzip.compress else "deflate"
    assert server.post("/api/v1/publish", body, content_encoding=encoding).status == 200


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_body_that_is_not_packed_as_it_says(server, encoding):
    answer = server.post("/api/v1/publish", b"{}", content_encoding=encoding)
    assert answer.status == 400
    assert answer.json["fix"]


def test_body_beyond_the_limit_is_refused(server):
    assert server.post("/api/v1/publish", b" " * (8 * 1024 * 1024 + 1)).status == 413
    bomb = gzip.compress(b" " * (8 * 1024 * 1024 + 1))
    assert server.post("/api/v1/publish", bomb, content_encoding="gzip").status == 413


def test_empty_payload(server):
    answer = server.post("/api/v1/publish", b"")
    assert answer.status == 400
    assert answer.json["message"] == "empty payload"
