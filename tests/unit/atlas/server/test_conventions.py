"""Headers of every answer, requests of browsers, and what is too long."""

from __future__ import annotations

import gzip

import pytest

from atlas.server.conventions import URI_SIZE_MAX, is_allowed

ORIGIN = "https://ui.example.com"


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/api/v1/tags", "/api/v1/tags"),
        ("/api/v1/tags/name", "/api/v1/tags"),
        ("/api/v1/expr/normalize?q=1", "/api/v1/expr/normalize"),
        ("/api/v1/expr?q=1", "/api/v1/expr"),
        ("/api/v1/graph?q=1&format=json", "/api/v1/graph"),
        ("/api/v1/nope", None),
        ("/api/v1/tagsandmore", None),
    ],
)
def test_answers_name_the_endpoint_without_its_variable_part(server, path, endpoint):
    headers = server.call("GET", path).headers
    assert headers.get("netflix-endpoint") == endpoint
    assert headers["server"] == "atlas/1.6"


def test_a_browser_may_ask_on_behalf_of_any_page(server):
    headers = server.call("GET", "/api/v1/tags", origin=ORIGIN).headers
    assert headers["access-control-allow-origin"] == ORIGIN
    assert headers["access-control-allow-methods"] == "GET, PATCH, POST, PUT, DELETE"
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["vary"] == "Origin"
    exposed = headers["access-control-expose-headers"].split(", ")
    assert {"server", "netflix-endpoint", "content-type"} <= set(exposed)
    assert not any(name.startswith("access-") for name in exposed)
    assert "access-control-allow-headers" not in headers


def test_refusals_can_be_read_by_a_browser_too(server):
    answer = server.call("GET", "/api/v1/graph?q=:nope", origin=ORIGIN)
    assert answer.status == 400
    assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_a_page_without_an_origin_may_ask(server):
    headers = server.call("GET", "/api/v1/tags", origin="null").headers
    assert headers["access-control-allow-origin"] == "*"


def test_what_is_no_page_gets_no_such_headers(server):
    assert not [h for h in server.get("/api/v1/tags").headers if h.startswith("access-")]


def test_any_options_request_is_a_pre_flight(server):
    answer = server.call(
        "OPTIONS", "/any/path", origin=ORIGIN, access_control_request_headers="x-a, x-b"
    )
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["access-control-max-age"] == "600"
    assert answer.headers["access-control-allow-headers"] == "x-a, x-b"


@pytest.mark.parametrize(
    ("origin", "patterns", "expected"),
    [
        (ORIGIN, ("*",), True),
        (ORIGIN, (".example.com",), True),
        (ORIGIN, ("ui.example.com",), True),
        ("http://ui.example.com:8080", ("ui.example.com",), True),
        ("https://example.com", (".example.com",), False),
        ("https://badexample.com", (".example.com",), False),
        (ORIGIN, (), False),
        ("https://[", (".example.com",), False),
    ],
)
def test_origins_are_matched_by_their_host(origin, patterns, expected):
    assert is_allowed(origin, patterns) is expected


def test_a_uri_has_a_length_limit(server):
    path = "/api/v1/graph?format=json&q="
    longest = path + "1" + "," * (URI_SIZE_MAX - len(path) - 1)
    assert server.call("GET", longest).status == 200
    answer = server.call("GET", longest + ",")
    assert answer.status == 414
    assert answer.json["message"] == "URI length exceeds the configured limit of 4096 characters"


def test_long_answers_are_compressed_for_those_who_can_read_them(server):
    path = "/api/v1/graph?format=json&q=1&s=e-6h"
    plain = server.call("GET", path)
    packed = server.call("GET", path, accept_encoding="gzip")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
