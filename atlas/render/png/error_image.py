"""An error as an image: its text, as large as fits."""

from __future__ import annotations

from atlas.render.png.chart import CANVAS_MIN, HEIGHT_MAX, WIDTH_MAX
from atlas.render.png.font import wrapped
from atlas.render.png.pixels import Box, Pixels
from atlas.render.png.style import Style
from atlas.render.png.theme import opaque, theme_of

MARGIN_PX = 12
BAR_PX = 5


def draw_error(message: str, width: int, height: int, theme_name: str) -> Pixels:
    """The text in as many rows as there is room for; sizes beyond what is allowed are moved in."""
    style = Style(theme_of(theme_name), 1.0)
    theme, normal = style.theme, style.normal
    width = min(max(width, CANVAS_MIN), WIDTH_MAX)
    height = min(max(height, CANVAS_MIN), HEIGHT_MAX)
    pixels = Pixels(width, height, theme.background)
    pixels.fill(Box(0, 0, BAR_PX, height), opaque(theme.error))
    left = BAR_PX + MARGIN_PX
    count = max(1, (width - left - MARGIN_PX) // normal.width)
    rows_max = max(1, (height - 2 * MARGIN_PX) // normal.height)
    for i, row in enumerate(wrapped(message, count, rows_max)):
        levels = normal.levels(row)
        pixels.paste(left, MARGIN_PX + i * normal.height, levels, theme.text, theme.background)
    return pixels
