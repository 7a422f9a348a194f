"""Text as masks, shortened and wrapped."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.render.png.font import LEVEL_MAX, font, shortened, wrapped


def test_characters_are_of_one_size():
    ten = font(10)
    assert ten.levels("abc").shape == (ten.height, 3 * ten.width)
    assert ten.levels("").shape == (ten.height, 0)
    assert ten.levels("M").max() <= LEVEL_MAX
    assert ten.levels("M").max() > LEVEL_MAX // 2


@pytest.mark.parametrize("character", "0Aµμ…·é→≤ßЖ字😀\u0301")
def test_every_character_is_drawn(character):
    assert font(12).levels(character).shape == (font(12).height, font(12).width)


def test_digits_are_told_apart():
    masks = [font(10).levels(digit) for digit in "0123456789"]
    same = [np.array_equal(a, b) for i, a in enumerate(masks) for b in masks[:i]]
    assert not any(same)


@pytest.mark.parametrize(
    ("text", "count", "expected"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("abcd", 1, "…"),
        ("abcd", 0, ""),
        ("a\nb\tc", 9, "a b c"),
        ("", 5, ""),
    ],
)
def test_shortened(text, count, expected):
    assert shortened(text, count) == expected


@pytest.mark.parametrize(
    ("text", "count", "rows", "expected"),
    [
        ("one two three", 8, 3, ["one two", "three"]),
        ("onetwothree", 4, 3, ["onet", "woth", "ree"]),
        ("one\ntwo", 8, 3, ["one", "two"]),
        ("one two three four", 5, 2, ["one", "two …"]),
        ("x" * 10**6, 4, 2, ["xxxx", "xxx…"]),
        ("", 4, 2, [""]),
        ("abcd", 0, 2, ["a", "…"]),
    ],
)
def test_wrapped(text, count, rows, expected):
    found = wrapped(text, count, rows)
    assert found == expected
    assert all(len(row) <= max(1, count) for row in found)
