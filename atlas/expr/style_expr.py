"""Expressions with what is said about their looks: legend, colour, axis, order …"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from atlas.expr.tree import Node, TimeSeriesExpr


@dataclass(frozen=True, slots=True)
class StyleExpr(Node):
    """An expression with settings, sorted by key. Values are text; most are checked when drawn."""

    expr: TimeSeriesExpr
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def by_key(self) -> Mapping[str, str]:
        """The settings by their key."""
        return dict(self.settings)

    def with_setting(self, key: str, value: str) -> StyleExpr:
        """The same with one setting more, or another value of it."""
        return replace(self, settings=tuple(sorted({**self.by_key, key: value}.items())))

    def without(self, *keys: str) -> StyleExpr:
        """The same without some settings."""
        return replace(self, settings=tuple((k, v) for k, v in self.settings if k not in keys))

    def __str__(self) -> str:
        # The order in which the original prints them.
        return ",".join([str(self.expr), *map(_setting_text, reversed(self.settings))])


def _setting_text(setting: tuple[str, str]) -> str:
    key, value = setting
    return value if key == "sed" else f":{value}" if key == "ls" else f"{value},:{key}"
