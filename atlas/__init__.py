"""A dimensional time-series store that speaks Atlas: library, server and language.

Importing this package is cheap: numpy and the store are loaded when `Atlas` is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from atlas.errors import AslError, AtlasError, BadData, LimitExceeded, StoreUnreachable
from atlas.model import Datapoint, TimeSeries

if TYPE_CHECKING:
    from atlas.library import Atlas

__all__ = [
    "AslError",
    "Atlas",
    "AtlasError",
    "BadData",
    "Datapoint",
    "LimitExceeded",
    "StoreUnreachable",
    "TimeSeries",
]


def __getattr__(name: str) -> Any:
    if name == "Atlas":
        from atlas.library import Atlas  # noqa: PLC0415 (numpy and scipy come with it)

        return Atlas
    raise AttributeError(f"module 'atlas' has no attribute {name!r}")
