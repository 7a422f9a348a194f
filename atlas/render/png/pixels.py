"""An image while it is drawn: one array of palette indexes, and the colours that they stand for.

Everything is drawn by assigning indexes. What is translucent goes through a table from the index
below to the index of the mixture, so that it costs no more than what is opaque. With up to 256
colours the image is saved as it is; with more as RGB.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from atlas.render.png.font import LEVEL_MAX, Levels
from atlas.render.png.theme import Argb, Rgb, mixed

Indexes = npt.NDArray[np.uint16]
IntArray = npt.NDArray[np.int64]

PALETTE_MAX = 256
COARSE_AT = 4096  # mixtures beyond are rounded, so that 65,536 indexes are always enough
COMPRESSION = 6


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels; right and bottom are past the last."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return self.bottom - self.top


class Pixels:
    """An image of `width` × `height` pixels that is `background` all over."""

    def __init__(self, width: int, height: int, background: Rgb) -> None:
        self.width = width
        self.height = height
        self.colors: list[Rgb] = []
        self._index_of: dict[Rgb, int] = {}
        self._ramps: dict[tuple[Rgb, Rgb], Indexes] = {}
        self._indexes = np.full((height, width), self.index_of(background), dtype=np.uint16)

    def index_of(self, rgb: Rgb) -> int:
        """The index that stands for a colour, a new one if need be."""
        index = self._index_of.setdefault(rgb, len(self.colors))
        if index == len(self.colors):
            self.colors.append(rgb)
        return index

    def fill(self, box: Box, color: Argb) -> None:
        """Lay a colour over a rectangle; what sticks out of the image is left out."""
        rows = slice(max(0, box.top), max(0, box.bottom))
        columns = slice(max(0, box.left), max(0, box.right))
        region = self._indexes[rows, columns]
        is_opaque = color.alpha == 255
        region[...] = self.index_of(color.rgb) if is_opaque else self._over(region, color)

    def fill_columns(self, box: Box, tops: IntArray, bottoms: IntArray, color: Argb) -> None:
        """Lay a colour over a run of rows in each column of `box`.

        tops, bottoms: shape (box.width,), rows within the box, both included; they may lie outside,
        and a run whose bottom is above its top is empty.
        """
        first = np.maximum(tops, 0)
        lengths = np.maximum(np.minimum(bottoms, box.height - 1) - first + 1, 0)
        ends = np.cumsum(lengths)
        starts = (box.top + first) * self.width + box.left + np.arange(box.width)
        steps = np.arange(ends[-1] if len(ends) else 0)
        where = np.repeat(starts - (ends - lengths) * self.width, lengths) + steps * self.width
        flat = self._indexes.reshape(-1)
        is_opaque = color.alpha == 255
        flat[where] = self.index_of(color.rgb) if is_opaque else self._over(flat[where], color)

    def fill_where(self, box: Box, mask: npt.NDArray[np.bool_], color: Argb) -> None:
        """Lay a colour over the pixels of a box, which is inside the image, where the mask is on.

        mask: shape (box.height, box.width).
        """
        region = self._indexes[box.top : box.bottom, box.left : box.right]
        is_opaque = color.alpha == 255
        region[mask] = self.index_of(color.rgb) if is_opaque else self._over(region[mask], color)

    def paste(self, left: int, top: int, levels: Levels, color: Rgb, background: Rgb) -> None:
        """Draw a text; a level says how much of the background its pixel hides."""
        ramp = self._ramps.get((color, background))
        if ramp is None:
            shares = [level / LEVEL_MAX for level in range(LEVEL_MAX + 1)]
            shades = [self.index_of(mixed(background, color, share)) for share in shares]
            ramp = self._ramps[color, background] = np.array(shades, dtype=np.uint16)
        x, y = max(0, -left), max(0, -top)
        region = self._indexes[top + y : top + levels.shape[0], left + x : left + levels.shape[1]]
        shown = levels[y : y + region.shape[0], x : x + region.shape[1]]
        np.copyto(region, ramp[shown], where=shown > 0)

    def png(self, texts: Mapping[str, str]) -> bytes:
        """The image as a PNG file with these texts as metadata."""
        colors = np.array(self.colors, dtype=np.uint8)
        if len(colors) <= PALETTE_MAX:
            image = Image.fromarray(self._indexes.astype(np.uint8))
            image.putpalette(colors.tobytes())
        else:
            image = Image.fromarray(colors[self._indexes])
        info = PngInfo()
        for key, text in texts.items():
            info.add_itxt(key, text)
        file = io.BytesIO()
        image.save(file, "PNG", pnginfo=info, compress_level=COMPRESSION)
        return file.getvalue()

    def _over(self, below: Indexes, color: Argb) -> Indexes:
        """What to put where `below` is."""
        table = np.zeros(len(self.colors), dtype=np.uint16)
        for index in np.flatnonzero(np.bincount(below.reshape(-1), minlength=len(table))).tolist():
            mixture = mixed(self.colors[index], color.rgb, color.alpha / 255)
            table[index] = self.index_of(self._coarse(mixture))
        return table[below]

    def _coarse(self, rgb: Rgb) -> Rgb:
        if len(self.colors) < COARSE_AT:
            return rgb
        r, g, b = (channel & 0xF8 for channel in rgb)
        return r, g, b
