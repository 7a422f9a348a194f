"""Configuration and secrets of a document: looked up in the environment, and kept out of texts."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from monkeys.errors import TargetFailed

HIDDEN = "[secret]"
SHORTEST_HIDDEN = 3
"""A shorter secret is part of too many words to be hidden in them."""

CONVERSIONS: Mapping[str, Callable[[str], Any]] = {
    "str": str,
    "int": int,
    "float": float,
    "bytes": str.encode,
}


@dataclass(frozen=True, slots=True)
class Given:
    """What the document was given. secrets: by scope and name."""

    configuration: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def values(self, scopes: tuple[str, ...] = ()) -> dict[str, Any]:
        """What `${name}` may stand for: secrets of these scopes (none said: of all), and
        configuration, which wins."""
        return {**self.secrets_of(scopes or tuple(self.secrets)), **self.configuration}

    def secrets_of(self, scopes: tuple[str, ...]) -> dict[str, Any]:
        """The secrets of these scopes by their names."""
        return {k: v for scope in scopes for k, v in self.secrets.get(scope, {}).items()}

    def hide(self, text: str) -> str:
        """The text without any secret, as it stands, in JSON or in an address."""
        written = sorted(self._written(), key=len, reverse=True)
        for secret in written:
            text = text.replace(secret, HIDDEN)
        return text

    def _written(self) -> set[str]:
        found: set[str] = set()
        for value in _leaves(self.secrets):
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            if len(text) < SHORTEST_HIDDEN or isinstance(value, bool):
                continue
            found |= {text, json.dumps(text)[1:-1], repr(text)[1:-1]}
            found |= {urllib.parse.quote(text), urllib.parse.quote_plus(text)}
        return found


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [leaf for inner in value.values() for leaf in _leaves(inner)]
    if isinstance(value, list | tuple):
        return [leaf for inner in value for leaf in _leaves(inner)]
    return [] if value is None else [value]


def look_up(
    configuration: Mapping[str, Any],
    secrets: Mapping[str, Mapping[str, Any]],
    environment: Mapping[str, str],
) -> Given:
    """What the blocks of a document stand for. Raises TargetFailed for a variable that is not set.

    Entries of type probe are left as they are: they have to be performed.
    """
    return Given(
        {
            key: _one(f"configuration.{key}", entry, environment)
            for key, entry in configuration.items()
        },
        {
            scope: {k: _one(f"secrets.{scope}.{k}", v, environment) for k, v in entries.items()}
            for scope, entries in secrets.items()
        },
    )


def is_from_environment(entry: Any) -> bool:
    """Whether the entry names a variable of the environment."""
    return isinstance(entry, Mapping) and entry.get("type") == "env"


def _one(name: str, entry: Any, environment: Mapping[str, str]) -> Any:
    if not is_from_environment(entry):
        return entry
    key = str(entry["key"])
    found = environment.get(key, entry.get("default"))
    if found is None:
        raise TargetFailed(
            f"environment variable {key} is not set",
            where=name,
            fix=f"set {key}, or give the entry a default",
        )
    if not isinstance(found, str):
        return found
    kind = str(entry.get("env_var_type") or "str")
    try:
        return CONVERSIONS[kind](found)
    except ValueError as error:
        raise TargetFailed(
            f"environment variable {key} is no {kind}",
            where=name,
            fix=f"give {key} a value of that type, or correct env_var_type",
        ) from error
