"""Graphs as PNG images: steps, areas, stacks and spans over axes, with a legend.

Pillow and the font are loaded with the first image.
"""

from __future__ import annotations

from atlas.graph import Graph


def render_png(graph: Graph, *, source: str = "", description: str = "") -> bytes:
    """A graph as a PNG file; `source` and `description` go into its metadata."""
    from atlas.render.png.chart import draw_chart  # noqa: PLC0415 (loads Pillow)

    texts = {"Source": source, "Description": description}
    return draw_chart(graph).png({key: text for key, text in texts.items() if text})


def error_png(message: str, width: int, height: int, theme: str) -> bytes:
    """An error as a PNG file of that size, for browsers, which show no text where an image is."""
    from atlas.render.png.error_image import draw_error  # noqa: PLC0415 (loads Pillow)

    return draw_error(message, width, height, theme).png({})
