"""The journal: append-only JSON lines, on disk before what they announce happens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

Event = Mapping[str, Any]
"""One line of a journal: schema, seq, at_ms, t_ms, event, and the event's own fields."""


def read_journal(folder: Path) -> list[dict[str, Any]]:
    """Every whole event of a run, in order; a torn line is left out.

    Raises ChaosctlError if there is no journal or it is of a newer schema.
    """
    raise NotImplementedError
