"""Unknown paths, wrong methods, health, and the server's figures about itself."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/nope", 404, "path not found: /nope"),
        ("GET", "/api/v1/graph/", 404, "path not found: /api/v1/graph/"),
        ("GET", "/api/v1/publish", 404, "path not found: /api/v1/publish"),
        ("POST", "/api/v1/tags", 404, "path not found: /api/v1/tags"),
        ("POST", "/api/v1/expr?q=1", 404, "path not found: /api/v1/expr"),
        ("DELETE", "/api/v1/publish", 405, "method not allowed: GET"),
        ("HEAD", "/api/v1/graph", 405, "method not allowed: GET"),
        ("PUT", "/nope", 405, "method not allowed: GET"),
    ],
)
def test_unknown_paths_and_methods(server, method, path, status, message):
    answer = server.call(method, path)
    assert answer.status == status
    assert answer.json == {"type": "error", "message": message}


def test_health(server):
    assert server.get("/healthcheck").status == 200
    assert server.get("/ok").body == b"127.0.0.1"
    assert server.call("PUT", "/ok").status == 200


def test_the_root_leads_to_the_page(server):
    answer = server.get("/")
    assert (answer.status, answer.headers["location"]) == (301, "/ui")
    for path in ("/ui", "/ui/anything/below"):
        assert b"<h1>atlas</h1>" in server.get(path).body


def test_figures_about_itself(filled):
    text = filled.get("/metrics").body.decode()
    assert "atlas_series 3.0" in text
    assert "atlas_datapoints_total 15.0" in text
    assert 'atlas_refused_total{reason="series"} 0.0' in text
