"""format=png, the default: an image, and for browsers an image of what went wrong."""

from __future__ import annotations

import io

import pytest
from PIL import Image

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"


def image(answer):
    assert answer.status == 200
    assert answer.headers["content-type"] == "image/png"
    return Image.open(io.BytesIO(answer.body))


def test_image_is_the_default(filled, now_ms):
    answer = filled.get("/api/v1/graph", q="name,cpu,:eq,(,node,),:by", e=str(now_ms), w="300")
    assert image(answer).width > 300


def test_layout_image_gives_an_image_of_the_size_asked_for(filled, now_ms):
    answer = filled.get("/api/v1/graph", q="1", e=str(now_ms), layout="image", w="400", h="200")
    assert image(answer).size == (400, 200)


def test_image_comes_with_v2_json_unless_hinted_away(filled, now_ms):
    first, *_ = filled.get("/api/v1/graph", q="1", e=str(now_ms), format="v2.json").json
    assert first["type"] == "graph-image"
    assert first["data"].startswith("data:image/png;base64,iVBOR")


@pytest.mark.parametrize("query", [":foo", "name,cpu,:eq,9,:axis"])
def test_browser_gets_a_mistake_of_the_program_as_an_image(filled, query):
    answer = filled.call("GET", f"/api/v1/graph?q={query}&w=300&h=100", user_agent=BROWSER)
    assert image(answer).size == (300, 100)


@pytest.mark.parametrize(
    ("query", "agent"),
    [("q=:foo", "curl/8.0"), ("q=1&theme=bad", BROWSER), ("q=:foo&format=json", BROWSER)],
)
def test_anyone_else_gets_it_as_json(filled, query, agent):
    answer = filled.call("GET", f"/api/v1/graph?{query}", user_agent=agent)
    assert answer.status == 400
    assert answer.json["type"] == "error"
