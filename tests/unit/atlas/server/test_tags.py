"""GET /api/v1/tags: keys and values, in pages."""

from __future__ import annotations

import pytest

NEXT = "x-nflx-atlas-next-offset"


@pytest.mark.parametrize(
    ("path", "parameters", "expected"),
    [
        ("/api/v1/tags", {}, ["atlas.dstype", "name", "node"]),
        ("/api/v1/tags/name", {}, ["cpu", "disk"]),
        ("/api/v1/tags", {"q": "name,disk,:eq"}, ["atlas.dstype", "name"]),
        ("/api/v1/tags/node", {"q": "name,disk,:eq"}, []),
        ("/api/v1/tags/nope", {}, []),
        ("/api/v1/tags", {"verbose": "1"}, []),
        ("/api/v1/tags/name", {"verbose": "1", "offset": "name,cpu"},
         [{"key": "name", "value": "disk", "count": -1}]),
    ],
)  # fmt: skip
def test_listing(filled, path, parameters, expected):
    answer = filled.get(path, **parameters)
    assert answer.json == expected
    assert NEXT not in answer.headers


def test_pages_lead_from_one_to_the_next(filled):
    first = filled.get("/api/v1/tags", limit="2")
    assert first.json == ["atlas.dstype", "name"]
    second = filled.get("/api/v1/tags", limit="2", offset=first.headers[NEXT])
    assert second.json == ["node"]
    assert NEXT not in second.headers


def test_text(filled):
    answer = filled.get("/api/v1/tags/name", format="txt")
    assert answer.body == b"cpu\ndisk"
    assert answer.headers["content-type"].startswith("text/plain")
    verbose = filled.get("/api/v1/tags/name", format="txt", verbose="1", limit="1")
    assert verbose.body == b"name\tcpu\t-1"
    assert verbose.headers[NEXT] == "name,cpu"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"limit": "0"},
            "IllegalArgumentException: requirement failed: limit must be positive (got 0)",
        ),
        ({"limit": ""}, 'NumberFormatException: For input string: ""'),
        ({"q": "42"}, "IllegalStateException: expected a single query on the stack"),
        ({"q": "name,a,:eq,:sum"}, "IllegalStateException: unknown word ':sum'"),
    ],
)
def test_refusals_say_what_the_original_says(filled, parameters, message):
    answer = filled.get("/api/v1/tags", **parameters)
    assert (answer.status, answer.json["message"]) == (400, message)
