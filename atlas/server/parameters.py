"""Query parameters with the original's defaults and refusals; of several, the first counts."""

from __future__ import annotations

import re

from starlette.requests import Request

from atlas.errors import AtlasError, BadData

_INT = re.compile(r"[+-]?\d+")


class Parameters:
    """The parameters of one request."""

    def __init__(self, request: Request) -> None:
        self._values: dict[str, str] = {}
        for key, value in request.query_params.multi_items():
            self._values.setdefault(key, value)

    def required(self, name: str) -> str:
        """A parameter that must be there; it may be empty."""
        if name not in self._values:
            raise BadData(f"missing required parameter '{name}'", fix=f"add {name}=… to the query")
        return self._values[name]

    def text(self, name: str, default: str) -> str:
        """A parameter, or its default."""
        return self._values.get(name, default)

    def positive(self, name: str, default: int) -> int:
        """A whole number above zero."""
        text = self._values.get(name)
        if text is None:
            return default
        if not _INT.fullmatch(text):
            raise AtlasError(
                f'For input string: "{text}"',
                where=f"parameter '{name}'",
                fix="write a whole number",
                original_class="NumberFormatException",
            )
        if int(text) <= 0:
            raise BadData(
                f"requirement failed: {name} must be positive (got {int(text)})",
                where=f"parameter '{name}'",
                fix="use 1 or more",
            )
        return int(text)
