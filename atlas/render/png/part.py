"""Parts of an image that stand one below the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from atlas.render.png.font import Font, shortened, wrapped
from atlas.render.png.pixels import Box, Pixels
from atlas.render.png.style import Style
from atlas.render.png.theme import Rgb, opaque

NOTICE_ROWS_MAX = 4
NOTICE_PADDING_PX = 4


class Part(Protocol):
    """Something over the whole width of the image."""

    @property
    def height(self) -> int:
        """Rows that it takes."""
        ...

    def draw(self, pixels: Pixels, box: Box) -> None:
        """Draw it into a box of that height."""
        ...


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing, so many pixels high."""

    height: int

    def draw(self, pixels: Pixels, box: Box) -> None:
        """Leave the background."""


@dataclass(frozen=True, slots=True)
class TextRow:
    """One row of text, cut where it is too long."""

    text: str
    font: Font
    color: Rgb
    background: Rgb
    is_centred: bool = False

    @property
    def height(self) -> int:
        """That of the font."""
        return self.font.height

    def draw(self, pixels: Pixels, box: Box) -> None:
        """Draw it on its own background, which is there already."""
        levels = self.font.levels(shortened(self.text, box.width // self.font.width))
        spare = box.width - levels.shape[1]
        left = box.left + (spare // 2 if self.is_centred else 0)
        pixels.paste(left, box.top, levels, self.color, self.background)


@dataclass(frozen=True, slots=True)
class Notices:
    """What the reader has to be told, on a ground of its own."""

    rows: tuple[str, ...]
    style: Style

    @property
    def height(self) -> int:
        """Rows of text and the margin around them."""
        return len(self.rows) * self.style.normal.height + 2 * self.style.px(NOTICE_PADDING_PX)

    def draw(self, pixels: Pixels, box: Box) -> None:
        """Draw the ground and the texts."""
        theme, normal, padding = (
            self.style.theme,
            self.style.normal,
            self.style.px(NOTICE_PADDING_PX),
        )
        pixels.fill(box, opaque(theme.warning))
        for i, row in enumerate(self.rows):
            top = box.top + padding + i * normal.height
            pixels.paste(box.left + padding, top, normal.levels(row), theme.text, theme.warning)


def notices(texts: Iterable[str], width: int, style: Style) -> Notices:
    """Notices wrapped into the width; each begins with a mark, so that they can be told apart."""
    count = max(1, (width - 2 * style.px(NOTICE_PADDING_PX)) // style.normal.width - 2)
    rows = []
    for text in texts:
        first, *rest = wrapped(text, count, NOTICE_ROWS_MAX)
        rows += [f"! {first}", *(f"  {row}" for row in rest)]
    return Notices(tuple(rows), style)
