"""Outputs: a graph's data to the bytes of an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from atlas.eval.graph import GraphData
from atlas.render import as_json

RENDERERS: Mapping[str, tuple[str, Callable[[GraphData], bytes]]] = MappingProxyType(
    {
        "json": ("application/json", as_json.render),
        "std.json": ("application/json", as_json.render),
    }
)
"""Media type and renderer by the value of `format`."""
