"""The application as the original was set up when it answered, at an instant that never moves."""

from __future__ import annotations

from typing import Any

from atlas.server.app import make_app
from atlas.store.memory import MemoryStore, StoreConfig

BASE_END_MS = 1_641_643_200_000
"""A noon in UTC, of 2022-01-08."""
NOW_MS = BASE_END_MS + 3_600_000


def application() -> Any:
    """An application over a store that is empty."""
    config = StoreConfig(step_ms=60_000, max_age_ms=47 * 3_600_000, keep_ms=48 * 3_600_000)
    return make_app(MemoryStore(config), lambda: NOW_MS)
