"""Faults that the edge gives to the requests of a cohort, for a while.

A rule is kept as a property of the edge, and holds until an instant of the machine's monotonic
clock, which all processes share and nobody sets: it ends by itself, whatever becomes of who set it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import msgspec

from demo_platform.errors import DemoError
from demo_platform.zuul.cohort import Cohort, parse_cohort
from demo_platform.zuul.fit import Faults, parse

FOR_S_MAX = 600.0
RULES_MAX = 16

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for: which faults, for whose requests, and for how long."""

    faults: str
    for_s: float
    members: str = "all"


class Kept(msgspec.Struct, frozen=True):
    """As it stands in a property. until_s: of the monotonic clock."""

    faults: str
    members: str
    until_s: float


@dataclass(frozen=True, slots=True)
class FitRule:
    """A rule, ready to be applied."""

    token: str
    faults: Faults
    cohort: Cohort
    until_s: float


def accept(token: str, body: object, *, known: Collection[str], now_s: float, where: str) -> str:
    """The property's text for what is asked for. Raises DemoError."""
    if not _TOKEN.fullmatch(token):
        raise DemoError(f"{token!r} is no token", where=where, fix="letters, digits, - and _")
    try:
        wanted = msgspec.convert(body, Wanted)
    except msgspec.ValidationError as error:
        fix = 'send {"faults": "recs=fail", "members": "5%", "for_s": 30}'
        raise DemoError(str(error), where=where, fix=fix) from error
    if not 0 < wanted.for_s <= FOR_S_MAX:
        fix = f"more than 0 s, at most {FOR_S_MAX:.0f} s"
        raise DemoError(f"for_s is {wanted.for_s:g}", where=where, fix=fix)
    parse(wanted.faults, where=where, known=known)
    parse_cohort(wanted.members, salt=token, where=where)
    kept = Kept(wanted.faults, wanted.members, now_s + wanted.for_s)
    return msgspec.json.encode(kept).decode()


def in_force(texts: Mapping[str, str], *, now_s: float) -> dict[str, Kept]:
    """Rules that have not ended, by token."""
    read = {token: msgspec.json.decode(text, type=Kept) for token, text in texts.items()}
    return {token: kept for token, kept in read.items() if kept.until_s > now_s}


def rules_of(texts: Mapping[str, str], *, now_s: float) -> tuple[FitRule, ...]:
    """The rules to be applied, in the order of their tokens."""
    return tuple(
        FitRule(
            token,
            parse(kept.faults, where=token),
            parse_cohort(kept.members, salt=token, where=token),
            kept.until_s,
        )
        for token, kept in sorted(in_force(texts, now_s=now_s).items())
    )


def faults_for(
    rules: Iterable[FitRule], member: str, cohort: str, *, now_s: float
) -> Faults | None:
    """What the rules in force give to a request; the first rule that is for a service counts."""
    found: Faults | None = None
    for rule in rules:
        if now_s < rule.until_s and rule.cohort.has(member, cohort):
            found = rule.faults if found is None else merged(found, rule.faults)
    return found


def merged(first: Faults, second: Faults) -> Faults:
    """Both; where both name a service, the first counts."""
    more = [part for part in second.text.split(", ") if part.split("=")[0] not in first.by_service]
    text = ", ".join((first.text, *more))
    return Faults(text, {**second.by_service, **first.by_service})
