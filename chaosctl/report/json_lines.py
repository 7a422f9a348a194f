"""A run as JSON, an object a line: its events as they come, then its result."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO


class JsonView:
    """Prints every event of a run."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __enter__(self) -> JsonView:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Print the event."""
        print(to_json_line(event), file=self._stream, flush=True)


def to_json_line(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """One line of strict JSON: a number that is none becomes null.

    >>> to_json_line({"value": float("nan"), "folder": Path("/x")})
    '{"value": null, "folder": "/x"}'
    """
    return json.dumps(_plain(value), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value
