"""What can be set of the edge while it runs, by the control API."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from demo_platform.errors import DemoError, unknown_name
from demo_platform.zuul.routing import RULES_MAX, parse_rule

Value = bool | int | str | None

PREFIX = "zuul."
ROUTES = "zuul.route."
RULES = "zuul.fitrule."
ADDRESSES_MAX = 256
_NUMBER_MAX = 3_600_000
_NAME = r"[A-Za-z0-9_-]{1,64}"


class Source(Protocol):
    """Where properties are changed while the process runs."""

    def get(self, name: str) -> Value:
        """The value set under a full name; None when there is none."""

    def under(self, prefix: str) -> Mapping[str, Value]:
        """All that is set under names with a prefix, by what follows it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A property: its default, and the least and greatest value of a number."""

    default: Value
    least: int = 0
    most: int = _NUMBER_MAX


PROPERTIES: dict[str, Row] = {
    "zuul.concurrency.max": Row(256, least=1),
    "zuul.filter.NAME.disabled": Row(False),
    "zuul.fit.header.enabled": Row(True),
    "zuul.gzip.enabled": Row(False),
    "zuul.origin.NAME.concurrency.adaptive": Row(True),
    "zuul.origin.NAME.concurrency.max": Row(128, least=1),
    "zuul.origin.NAME.concurrency.min": Row(20, least=1),
    "zuul.origin.NAME.retries": Row(1, most=1),
    "zuul.ratelimit.burstSeconds": Row(2, least=1, most=60),
    "zuul.ratelimit.customer.perSecond": Row(0),
    "zuul.ratelimit.ip.perSecond": Row(0),
    "zuul.ratelimit.route.NAME.perSecond": Row(0),
    "zuul.route.NAME": Row(""),
    "zuul.security.blockedAddresses": Row(""),
    "zuul.security.bodyBytesMax": Row(65_536, least=1, most=1_000_000),
    "zuul.security.tokenRequired": Row(False),
    "zuul.shedding.enabled": Row(True),
    "zuul.shedding.startPercent": Row(60, most=99),
}

_PATTERNS = {name: re.compile(re.escape(name).replace("NAME", f"({_NAME})")) for name in PROPERTIES}


class Settings:
    """The edge's properties as they are now."""

    __slots__ = ("_source",)

    def __init__(self, source: Source) -> None:
        self._source = source

    def number(self, name: str, of: str = "") -> int:
        """A property that is a number; of: what stands for NAME."""
        return int(self._value(name, of) or 0)

    def is_on(self, name: str, of: str = "") -> bool:
        """A property that is true or false."""
        return bool(self._value(name, of))

    def text(self, name: str, of: str = "") -> str:
        """A property that is text."""
        return str(self._value(name, of))

    def texts(self, prefix: str) -> dict[str, str]:
        """Texts set under a prefix, by what follows it."""
        return {
            name: value
            for name, value in self._source.under(prefix).items()
            if isinstance(value, str)
        }

    def _value(self, name: str, of: str) -> Value:
        value = self._source.get(name.replace("NAME", of) if of else name)
        return PROPERTIES[name].default if value is None else value


def check_edge_property(
    name: str, value: object, *, vips: Collection[str], where: str, may_be_null: bool = False
) -> Value:
    """A property's value, if there is such a property and it may have the value.

    vips: the services that a rule may send requests to. Raises DemoError otherwise.
    """
    found = next(
        ((row, match) for row, pattern in _PATTERNS.items() if (match := pattern.fullmatch(name))),
        None,
    )
    if found is None and name.startswith(RULES):
        raise DemoError(
            f"{name} is not set by hand", where=where, fix=f"PUT /v1/fit/{name[len(RULES) :]}"
        )
    if found is None:
        raise unknown_name("property of the edge", name, PROPERTIES, where=where)
    if value is None and may_be_null:
        return None
    pattern, match = found
    row = PROPERTIES[pattern]
    match row.default:
        case bool():
            fits, wanted = isinstance(value, bool), "true or false"
        case int():
            is_number = isinstance(value, int) and not isinstance(value, bool)
            fits = is_number and row.least <= value <= row.most  # type: ignore[operator]
            wanted = f"a whole number from {row.least} to {row.most}"
        case _:
            fits, wanted = isinstance(value, str), "text"
    if not fits:
        raise DemoError(f"{name} is {value!r}", where=where, fix=f"give {wanted}")
    if isinstance(value, str):
        _check_text(pattern, match, value, vips=vips, where=where)
    return value  # type: ignore[return-value]  # that it is one is what has just been checked


def addresses_of(text: str, *, where: str) -> tuple[ipaddress.IPv4Network, ...]:
    """A list of addresses and networks. Raises DemoError."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > ADDRESSES_MAX:
        raise DemoError(f"{len(parts)} addresses", where=where, fix=f"at most {ADDRESSES_MAX}")
    try:
        return tuple(ipaddress.IPv4Network(part) for part in parts)
    except ValueError as error:
        fix = "write 10.1.2.3, 10.4.0.0/16"
        raise DemoError(str(error), where=where, fix=fix) from error


def check_together(document: Mapping[str, object], *, where: str) -> None:
    """Refuse what is right by itself but too much of. Raises DemoError."""
    count = sum(name.startswith(ROUTES) for name in document)
    if count > RULES_MAX:
        raise DemoError(f"{count} routing rules", where=where, fix=f"at most {RULES_MAX}")


def _check_text(
    pattern: str, match: re.Match[str], value: str, *, vips: Collection[str], where: str
) -> None:
    if pattern == "zuul.route.NAME":
        parse_rule(match[1], value, vips=vips, where=f"{where} {match[0]}")
    else:
        addresses_of(value, where=f"{where} {match[0]}")
