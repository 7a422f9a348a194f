"""Outputs: a graph to the bytes of an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from atlas.graph import Graph
from atlas.render import as_json, as_text, as_v2
from atlas.render.png import render_png

RENDERERS: Mapping[str, tuple[str, Callable[[Graph], bytes]]] = MappingProxyType(
    {
        "csv": ("text/csv", as_text.render_csv),
        "json": ("application/json", as_json.render),
        "png": ("image/png", render_png),
        "stats.json": ("application/json", as_json.render_stats),
        "std.json": ("application/json", as_json.render),
        "txt": ("text/plain", as_text.render_txt),
        "v2.json": ("application/json", as_v2.render),
    }
)
"""Media type and renderer by the value of `format`."""
