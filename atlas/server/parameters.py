"""Query parameters with the original's defaults and refusals; of several, the first counts."""

from __future__ import annotations

import re

from starlette.requests import Request

from atlas.errors import AtlasError, BadData

_INT = re.compile(r"[+-]?\d+")
_NOT_ENCODED = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Parameters:
    """The parameters of one request. Raises BadData if its target is not percent-encoded."""

    def __init__(self, request: Request) -> None:
        _refuse_not_encoded(request)
        self._items = request.query_params.multi_items()
        self._values: dict[str, str] = {}
        for key, value in self._items:
            self._values.setdefault(key, value)

    def has(self, name: str) -> bool:
        """Whether a parameter is there, be it empty."""
        return name in self._values

    @property
    def stems(self) -> set[str]:
        """The names of all parameters, without the number of an axis behind them."""
        return {name.partition(".")[0] for name in self._values}

    def required(self, name: str) -> str:
        """A parameter that must be there; it may be empty."""
        if name not in self._values:
            raise BadData(f"missing required parameter '{name}'", fix=f"add {name}=… to the query")
        return self._values[name]

    def text(self, name: str, default: str) -> str:
        """A parameter, or its default."""
        return self._values.get(name, default)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a parameter that may be repeated, in their order."""
        return tuple(value for key, value in self._items if key == name)

    def is_set(self, name: str) -> bool:
        """Whether a flag is on; only `1` turns it on."""
        return self._values.get(name) == "1"

    def positive(self, name: str, default: int, *, called: str = "") -> int:
        """A whole number above zero; `called` is what messages call it, if not by its name."""
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
                f"requirement failed: {called or name} must be positive (got {int(text)})",
                where=f"parameter '{name}'",
                fix="use 1 or more",
            )
        return int(text)


def _refuse_not_encoded(request: Request) -> None:
    target = request.scope.get("raw_path", b"") + b"?" + request.scope["query_string"]
    found = _NOT_ENCODED.search(target)
    if found is not None:
        raise BadData(
            f"Illegal request-target: '%' at column {found.start() + 1} begins no two hex digits",
            fix="write a percent sign as %25",
            original_class="",
        )
