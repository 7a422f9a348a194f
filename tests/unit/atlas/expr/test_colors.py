"""Colours as requests write them, and as palettes hand them out."""

from __future__ import annotations

import pytest

from atlas.errors import AtlasError
from atlas.expr.colors import java_hash, parse_color, picker, with_alpha


@pytest.mark.parametrize(
    ("text", "theme", "color"),
    [
        ("f00", "light", "ffff0000"),
        ("00FF00", "light", "ff00ff00"),
        ("8000ff00", "light", "8000ff00"),
        ("red1", "light", "fffb6a4a"),
        ("red1", "dark", "fffcbba1"),
    ],
)
def test_color(text, theme, color):
    assert parse_color(text, theme) == color


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("red", 'For input string: "rreedd" under radix 16'),
        ("zzzzzz", 'For input string: "zzzzzz" under radix 16'),
        ("red9", "color must be hex string [AA]RRGGBB"),
    ],
)
def test_text_that_is_no_color_is_refused(text, message):
    with pytest.raises(AtlasError) as caught:
        parse_color(text, "light")
    assert caught.value.what == message
    assert caught.value.fix


def test_palette_hands_out_its_colors_in_turn_and_begins_again():
    pick = picker("(,f00,0f0,)", "light")
    assert [pick("x") for _ in range(3)] == ["ffff0000", "ff00ff00", "ffff0000"]
    assert picker("colors:1a9850,f00", "light")("x") == "ff1a9850"


def test_hash_gives_a_label_the_same_color_every_time():
    pick = picker("hash:armytage", "light")
    assert [pick("a"), pick("b"), pick("a")] == [pick("a"), pick("b"), pick("a")]
    assert pick("a") != pick("b")


@pytest.mark.parametrize("name", ["nope", "hash:nope", "(,)", ""])
def test_palette_that_does_not_exist_is_refused(name):
    with pytest.raises(AtlasError, match="invalid palette name"):
        picker(name, "light")


def test_hash_is_that_of_java():
    assert (java_hash(""), java_hash("cpu"), java_hash("polygenelubricants")) == (
        0,
        98728,
        -2147483648,
    )


def test_alpha_replaces_the_opacity():
    assert with_alpha("ff0075dc", "40") == "400075dc"
