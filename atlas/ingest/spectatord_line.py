"""One line of spectatord's protocol, `type[,option]:name[,key=value…]:value`, up to its value.

What stands before the value is read once for each of its spellings (see `spectatord`), so this is
exact rather than quick. Source: spectatord `get_measurement`, `parse_line`.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Reason = Literal["form", "type", "option", "tags", "value", "meters", "size"]
REASONS: tuple[Reason, ...] = ("form", "type", "option", "tags", "value", "meters", "size")
"""Why a line is refused: it is no line at all, of no known type, has a lifetime or time that is no
whole number, tags that the store does not take, a value that its type cannot have; there are too
many meters; or its datagram was too long and ended inside it."""

_HEAD = re.compile(rb"([A-Za-z])(?:,([^:]*+))?:([^,:]++)((?:,[^:]*+)?)", re.DOTALL)
_OPTION = re.compile(rb"[0-9]{1,15}")
_REPLACED = re.compile(rb"[^-._A-Za-z0-9^~]")


class LineRefused(Exception):
    """A line that is not taken; the others beside it are."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class MeterKind:
    """What a type of meter is published as.

    statistics: each is a series. sketch: the key, the statistic and the letter of more series, one
    for each bucket or register that was hit. keeps_statistic: the client's own tag wins.
    value_min: what a value is at least.
    """

    letter: str
    statistics: tuple[str, ...] = ()
    sketch: tuple[str, str, str] | None = None
    keeps_statistic: bool = False
    has_option: bool = False
    value_min: float = 0.0

    def takes(self, value: float) -> bool:
        """Whether a line may have this value. A gauge takes NaN, for nothing more to be shown."""
        return self.value_min <= value < math.inf or (self.letter == "g" and math.isnan(value))


VALUE_MIN = -sys.float_info.max
_TIMES = ("count", "totalTime", "totalOfSquares", "max")
_AMOUNTS = ("count", "totalAmount", "totalOfSquares", "max")

KINDS: Mapping[str, MeterKind] = MappingProxyType(
    {
        kind.letter: kind
        for kind in (
            MeterKind("c", ("count",), keeps_statistic=True),
            MeterKind("C", ("count",), keeps_statistic=True),
            MeterKind("U", ("count",), keeps_statistic=True),
            MeterKind("X", ("count",), keeps_statistic=True, has_option=True),
            MeterKind("g", ("gauge",), keeps_statistic=True, has_option=True, value_min=VALUE_MIN),
            MeterKind("A", ("gauge",), keeps_statistic=True, value_min=VALUE_MIN),
            MeterKind("m", ("max",), value_min=VALUE_MIN),
            MeterKind("t", _TIMES),
            MeterKind("d", _AMOUNTS),
            MeterKind("T", _TIMES, ("percentile", "percentile", "T{:04X}")),
            MeterKind("D", _AMOUNTS, ("percentile", "percentile", "D{:04X}")),
            MeterKind("S", (), ("distinct", "distinct", "R{:02X}")),
        )
    }
)
"""Types of meters by their letter, in the order of docs/atlas.md."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before a value. option: a gauge's lifetime in s, or an X's time in ms; or 0."""

    kind: MeterKind
    option: int
    tags: dict[str, str]


def read_head(text: bytes) -> Head:
    """What stands before the value's colon. Raises LineRefused.

    >>> read_head(b"g,120:queue,id=a b").tags
    {'id': 'a_b', 'name': 'queue'}
    """
    match = _HEAD.fullmatch(text)
    if match is None:
        raise LineRefused("form")
    letter, option, name, tags = match.groups()
    kind = KINDS.get(letter.decode())
    if kind is None:
        raise LineRefused("type")
    pairs = (pair.partition(b"=") for pair in tags.split(b",")[1:])
    found = {_cleaned(key): _value_of(sign, value) for key, sign, value in pairs}
    return Head(kind, _option(kind, option), {**found, "name": _cleaned(name)})


def _option(kind: MeterKind, text: bytes | None) -> int:
    """The number after the type; 0 where there is none, or the type has no use for one."""
    if not kind.has_option or (text is None and kind.letter == "g"):
        return 0
    if text is None or not _OPTION.fullmatch(text) or int(text) == 0:
        raise LineRefused("option")
    return int(text)


def _value_of(sign: bytes, value: bytes) -> str:
    if not sign:
        raise LineRefused("tags")
    return _cleaned(value)


def _cleaned(text: bytes) -> str:
    return _REPLACED.sub(b"_", text).decode("ascii")
