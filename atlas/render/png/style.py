"""What every part of an image is drawn with: colours, lengths and fonts at a zoom."""

from __future__ import annotations

from dataclasses import dataclass

from atlas.render.png.font import Font, font
from atlas.render.png.theme import Theme

SMALL, NORMAL, LARGE = 10, 12, 14
LEGIBLE_PX = 6


@dataclass(frozen=True, slots=True)
class Style:
    """A theme and a zoom."""

    theme: Theme
    zoom: float

    def px(self, length: float) -> int:
        """A length in pixels of the image, at least one."""
        return max(1, round(length * self.zoom))

    @property
    def small(self) -> Font:
        """For ticks and statistics."""
        return self._font(SMALL)

    @property
    def normal(self) -> Font:
        """For labels."""
        return self._font(NORMAL)

    @property
    def large(self) -> Font:
        """For the title."""
        return self._font(LARGE)

    def _font(self, size: int) -> Font:
        return font(max(LEGIBLE_PX, round(size * self.zoom)))
