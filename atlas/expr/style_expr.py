"""Expressions with what is said about their looks: legend, colour, axis, order …"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from atlas.expr.data_expr import data_exprs
from atlas.expr.math_expr import shifted
from atlas.expr.text import encode, parse_duration
from atlas.expr.tree import Node, TimeSeriesExpr

LINE_STYLES = ("line", "area", "stack", "vspan", "heatmap")
"""The styles that are words of their own."""

_VERBATIM = ("offset", "sed")
_HEX = re.compile(r"[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class StyleExpr(Node):
    """An expression with settings, sorted by key. Values are text; most are checked when drawn."""

    expr: TimeSeriesExpr
    settings: tuple[tuple[str, str], ...] = ()

    def get(self, key: str) -> str | None:
        """The value of a setting, or None."""
        return dict(self.settings).get(key)

    def with_setting(self, key: str, value: str) -> StyleExpr:
        """The same with one setting more, or another value of it."""
        return replace(self, settings=tuple(sorted({**dict(self.settings), key: value}.items())))

    def without(self, *keys: str) -> StyleExpr:
        """The same without some settings."""
        return replace(self, settings=tuple((k, v) for k, v in self.settings if k not in keys))

    @property
    def offset_ms(self) -> int:
        """How long before the window its data lies, if all of it does."""
        return min((leaf.offset_ms for leaf in data_exprs(self.expr)), default=0)

    @property
    def offsets_ms(self) -> tuple[int, ...]:
        """The offsets of a list of them, of which each makes a copy of the expression."""
        return tuple(map(parse_duration, _list_items(self.get("offset") or "")))

    def per_offset(self) -> Iterator[StyleExpr]:
        """A copy for each offset of a list of offsets; itself if it has none."""
        offsets_ms = self.offsets_ms
        if not offsets_ms:
            yield self
            return
        plain = self.without("offset")
        for offset_ms in offsets_ms:
            yield replace(plain, expr=shifted(self.expr, offset_ms))

    def __str__(self) -> str:
        # The order in which the original prints them.
        return ",".join([str(self.expr), *map(_setting_text, reversed(self.settings))])


def colored(styled: StyleExpr, color: str) -> StyleExpr:
    """The expression with a colour; hex digits are made eight of them, alpha first."""
    plain = styled.without("alpha", "palette")
    if len(color) not in (3, 6, 8) or not _HEX.fullmatch(color):
        return plain.with_setting("color", color)
    full = "".join(c * 2 for c in color) if len(color) == 3 else color
    return plain.with_setting("color", (full if len(full) == 8 else f"ff{full}").lower())


def with_alpha(styled: StyleExpr, alpha: str) -> StyleExpr:
    """The expression with an opacity; a colour given in hex digits takes it in."""
    color = styled.get("color")
    if color is not None and len(color) == 8 and _HEX.fullmatch(color):
        return styled.with_setting("color", alpha + color[2:])
    return styled.with_setting("alpha", alpha)


def list_text(items: tuple[object, ...]) -> str:
    """A list as the value of a setting."""
    return f"(,{','.join(map(str, items))},)" if items else "(,)"


def _list_items(text: str) -> list[str]:
    return [item for item in text.split(",") if item not in ("(", ")", "")]


def _setting_text(setting: tuple[str, str]) -> str:
    key, value = setting
    if key == "sed":
        return value
    if key == "ls" and value.lower() in LINE_STYLES:  # in capitals, too, though no word has them
        return f":{value}"
    return f"{value if key in _VERBATIM else encode(value)},:{key}"
