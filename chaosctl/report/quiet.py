"""No view at all: the result alone is printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class QuietView:
    """Listens and says nothing; the journal has every event."""

    def __enter__(self) -> QuietView:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Take the event and leave it at that."""
