"""Text as masks: every character of a size is drawn once, and texts are put together from them."""

from __future__ import annotations

import io
from functools import cache, lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Levels = npt.NDArray[np.uint8]
"""Shape (rows, columns): 0 leaves a pixel as it is, `LEVEL_MAX` covers it."""

LEVEL_MAX = 15
ELLIPSIS = "…"
_GLYPHS_KEPT = 4096


class Font:
    """The font in one size. Every character is `width` × `height` pixels."""

    def __init__(self, size_px: int) -> None:
        self._type = ImageFont.truetype(
            io.BytesIO(_font_file()), size_px, layout_engine=ImageFont.Layout.BASIC
        )
        ascent, descent = self._type.getmetrics()
        self.width = round(self._type.getlength("0"))
        self.height = ascent + descent
        self._glyph = lru_cache(maxsize=_GLYPHS_KEPT)(self._drawn)

    def levels(self, text: str) -> Levels:
        """The mask of a text on one line; an empty one has no columns."""
        if not text:
            return np.zeros((self.height, 0), dtype=np.uint8)
        return np.concatenate([self._glyph(character) for character in text], axis=1)

    def _drawn(self, character: str) -> Levels:
        image = Image.new("L", (self.width, self.height))
        ImageDraw.Draw(image).text((0, 0), character, 255, self._type)
        levels = (np.asarray(image, dtype=np.uint16) * LEVEL_MAX + 127) // 255
        return levels.astype(np.uint8)


@cache
def font(size_px: int) -> Font:
    """The font in a size; sizes are few, so all are kept."""
    return Font(size_px)


@cache
def _font_file() -> bytes:
    path = files("atlas.render").joinpath("fonts", "NotoSansMono-Regular.ttf")
    return path.read_bytes()


def one_line(text: str) -> str:
    """The text with a blank for what cannot be shown, line ends too."""
    return "".join(c if c.isprintable() else " " for c in text)


def shortened(text: str, count: int) -> str:
    """At most `count` characters of one line; a cut is shown."""
    kept = one_line(text[: max(0, count)])
    return kept if len(text) <= count else kept[:-1] + ELLIPSIS * bool(kept)


def wrapped(text: str, count: int, rows_max: int) -> list[str]:
    """The text in rows of at most `count` characters, broken at blanks where there are any."""
    count = max(1, count)
    rows: list[str] = []
    for paragraph in text[: (count + 1) * (rows_max + 1)].splitlines() or [""]:
        rest = one_line(paragraph).strip()
        while len(rest) > count:
            blank = rest.rfind(" ", count // 2, count + 1)
            cut = blank if blank > 0 else count
            rows.append(rest[:cut].rstrip())
            rest = rest[cut:].lstrip()
        rows.append(rest)
    if len(rows) <= rows_max:
        return rows
    return [*rows[: rows_max - 1], shortened(f"{rows[rows_max - 1]} {ELLIPSIS * count}", count)]
