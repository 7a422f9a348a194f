"""The application as the original was set up when it answered, at an instant that never moves."""

from __future__ import annotations

from typing import Any

from atlas.server.app import make_app
from atlas.settings_file import read_settings
from atlas.store.memory import MemoryStore
from tests.oracle.vectors import DATA

SETTINGS = DATA / "server.yaml"
BASE_END_MS = 1_641_643_200_000
"""A noon in UTC, of 2022-01-08."""
NOW_MS = BASE_END_MS + 3_600_000


def application() -> Any:
    """An application over a store that is empty."""
    settings = read_settings(SETTINGS)
    return make_app(MemoryStore(settings.store.config()), lambda: NOW_MS, settings.requests)
