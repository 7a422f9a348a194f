"""The image itself: colours, mixtures, the palette and the file."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from atlas.render.png.pixels import COARSE_AT, PALETTE_MAX, Box, Pixels
from atlas.render.png.theme import Argb, mixed, opaque, parse_argb

WHITE, RED, BLUE = (255, 255, 255), (255, 0, 0), (0, 0, 255)


def shown(pixels: Pixels) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(pixels.png({}))).convert("RGB"))


def test_what_sticks_out_is_left_out():
    pixels = Pixels(4, 3, WHITE)
    pixels.fill(Box(-2, 1, 2, 9), opaque(RED))
    assert shown(pixels)[:, :, 1].tolist() == [[255] * 4, [0, 0, 255, 255], [0, 0, 255, 255]]


def test_columns_are_filled_within_their_box():
    pixels = Pixels(5, 6, WHITE)
    tops, bottoms = np.array([-9, 1, 2]), np.array([0, 99, 1])
    pixels.fill_columns(Box(1, 1, 4, 5), tops, bottoms, opaque(RED))
    red = np.argwhere(shown(pixels)[:, :, 1] == 0).tolist()
    assert red == [[1, 1], [2, 2], [3, 2], [4, 2]]


def test_translucent_colours_mix_with_what_is_below():
    pixels = Pixels(3, 1, WHITE)
    pixels.fill(Box(0, 0, 1, 1), opaque(BLUE))
    pixels.fill(Box(0, 0, 2, 1), Argb(128, RED))
    expected = [mixed(BLUE, RED, 128 / 255), mixed(WHITE, RED, 128 / 255), WHITE]
    assert [tuple(rgb) for rgb in shown(pixels)[0].tolist()] == expected


def test_a_full_palette_becomes_rgb_with_the_same_colours():
    pixels = Pixels(PALETTE_MAX, 1, WHITE)
    for i in range(PALETTE_MAX):
        pixels.fill(Box(i, 0, i + 1, 1), opaque((i, 1, 2)))
    image = Image.open(io.BytesIO(pixels.png({})))
    assert image.mode == "RGB"  # the background is one more
    assert shown(pixels)[0].tolist() == [[i, 1, 2] for i in range(PALETTE_MAX)]


def test_mixtures_without_end_still_have_an_index():
    pixels = Pixels(64, 64, WHITE)
    chance = np.random.default_rng(4711)
    for _ in range(300):
        left, top = chance.integers(0, 60, 2).tolist()
        r, g, b, alpha = chance.integers(1, 255, 4).tolist()
        pixels.fill(Box(left, top, left + 40, top + 40), Argb(alpha, (r, g, b)))
    assert COARSE_AT < len(pixels.colors) < 2**16
    assert shown(pixels).shape == (64, 64, 3)


def test_texts_are_kept_in_the_file():
    png = Pixels(1, 1, WHITE).png({"Source": "/api/v1/graph?q=ä", "Description": "d"})
    assert Image.open(io.BytesIO(png)).info == {"Source": "/api/v1/graph?q=ä", "Description": "d"}


def test_colours_are_read_with_and_without_alpha():
    assert parse_argb("80ff0010") == Argb(0x80, (255, 0, 16))
    assert parse_argb("ff0010") == Argb(255, (255, 0, 16))
