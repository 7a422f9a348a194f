"""The Atlas backend against a small server of this process."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chaosctl.errors import ChaosctlError, StoreSilent
from chaosctl.stores.atlas import AtlasStore


def graph(*columns):
    legend = [f"line {i}" for i in range(len(columns))]
    rows = [list(row) for row in zip(*columns, strict=True)]
    metrics = [{} for _ in columns]
    body = {"start": 2000, "step": 1000, "legend": legend, "metrics": metrics, "values": rows}
    return 200, json.dumps(body)


@pytest.fixture
def serve():
    """Serve one fixed answer to everything; gives the address."""
    servers = []

    def start(status, body):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.send_header("content-length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_store_gives_values_by_query_and_step(serve):
    store = AtlasStore(serve(*graph([1.0, "NaN", 3.0])))
    assert store.fetch(["a", "a", "b"], 1000, 4000) == {
        "a": {2000: 1.0, 4000: 3.0},
        "b": {2000: 1.0, 4000: 3.0},
    }


def test_store_without_a_line_has_no_data(serve):
    assert AtlasStore(serve(*graph())).fetch(["a"], 1000, 4000)["a"] == {}


def test_store_refuses_several_lines_and_names_the_query(serve):
    with pytest.raises(ChaosctlError, match=r"2 lines.*'name,a,:eq'") as caught:
        AtlasStore(serve(*graph([1.0], [2.0]))).fetch(["name,a,:eq"], 1000, 2000)
    assert caught.value.fix


def test_store_passes_a_refusal_on(serve):
    body = json.dumps({"message": "IllegalStateException: unknown word ':foo'", "fix": "x"})
    with pytest.raises(ChaosctlError, match="unknown word ':foo'") as caught:
        AtlasStore(serve(400, body)).fetch([":foo"], 1000, 2000)
    assert not isinstance(caught.value, StoreSilent)


@pytest.mark.parametrize(("status", "body"), [(500, "x"), (200, "no json"), (200, "{}")])
def test_store_that_answers_nonsense_is_silent(serve, status, body):
    with pytest.raises(StoreSilent) as caught:
        AtlasStore(serve(status, body)).fetch(["a"], 1000, 2000)
    assert caught.value.where
    assert caught.value.fix


def test_store_that_is_not_there_is_silent(tmp_path):
    store = AtlasStore(f"unix:{tmp_path}/none.sock")
    with pytest.raises(StoreSilent, match="no such socket"):
        store.fetch(["a"], 1000, 2000)
    with pytest.raises(StoreSilent):
        store.check()


def test_store_gives_all_queries_one_time_limit(serve):
    now = iter([0.0, 0.5, 3.0])
    store = AtlasStore(serve(*graph([1.0])), clock=lambda: next(now))
    with pytest.raises(StoreSilent, match="in time"):
        store.fetch(["a", "b"], 1000, 2000, timeout_s=2.0)


def test_store_is_well_when_it_says_so(serve):
    AtlasStore(serve(200, "")).check()
    with pytest.raises(StoreSilent):
        AtlasStore(serve(503, "")).check()


def test_store_refuses_what_is_no_address():
    with pytest.raises(ChaosctlError, match="not the address"):
        AtlasStore("ftp:elsewhere")
