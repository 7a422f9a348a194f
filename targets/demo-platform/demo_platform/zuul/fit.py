"""Faults that a request carries with it: its calls of a service fail, or take longer.

The header `x-fit` names them, `recs=fail, catalog=delay:250ms`, and travels with the request
through every hop. Nobody is hurt but that request: each process that is about to call a service
named there does, for this request only, as if the service were failing or slow.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from demo_platform.errors import DemoError, unknown_name
from demo_platform.transport import Ending, Reply

FIT_HEADER = "x-fit"
SERVICES_MAX = 8
DELAY_MS_MAX = 10_000
TEXT_MAX = 256

_DELAY = re.compile(r"delay:([0-9]{1,5})(ms|s)")
_FIX = "write x-fit: recs=fail, catalog=delay:250ms"


@dataclass(frozen=True, slots=True)
class Injection:
    """What is done to a request's calls of one service: held back, then failed or let go on."""

    delay_s: float = 0.0
    fails: bool = False


@dataclass(frozen=True, slots=True)
class Faults:
    """All that a request carries. text: the header, as it goes to the next hop."""

    text: str
    by_service: Mapping[str, Injection]


def parse(text: str, *, where: str, known: Collection[str] = ()) -> Faults:
    """What a header says.

    known: the services that there are; empty where nobody knows. Raises DemoError.

    >>> parse("recs=fail, catalog=delay:250ms", where="x-fit").by_service["catalog"]
    Injection(delay_s=0.25, fails=False)
    """
    if len(text) > TEXT_MAX:
        raise DemoError(f"{len(text)} characters of faults", where=where, fix=f"at most {TEXT_MAX}")
    found: dict[str, Injection] = {}
    for part in text.split(","):
        service, sign, what = (word.strip() for word in part.partition("="))
        if not service or not sign:
            raise DemoError(f"{part.strip()!r} names no fault", where=where, fix=_FIX)
        if known and service not in known:
            raise unknown_name("service", service, known, where=where)
        if service in found:
            raise DemoError(f"{service!r} is named twice", where=where, fix="name it once")
        found[service] = _injection(what, where)
    if len(found) > SERVICES_MAX:
        raise DemoError(f"{len(found)} services", where=where, fix=f"name {SERVICES_MAX} at most")
    return Faults(", ".join(part.strip() for part in text.split(",")), found)


def carried(header: str | None) -> Faults | None:
    """What came from another hop; a header that no edge has let through is not there at all."""
    if header is None:
        return None
    try:
        return parse(header, where=FIT_HEADER)
    except DemoError:
        return None


async def strike(faults: Faults, service: str, left_s: float) -> Reply | None:
    """Do to a call what its request carries; what it ends with, or None when it is to be made.

    left_s: how long the caller would wait for an answer.
    """
    injection = faults.by_service.get(service)
    if injection is None:
        return None
    if injection.delay_s:
        await asyncio.sleep(min(injection.delay_s, max(0.0, left_s)))
        if injection.delay_s >= left_s:
            return Reply(Ending.TIMED_OUT)
    return Reply(Ending.FAILED, cause=service) if injection.fails else None


def _injection(what: str, where: str) -> Injection:
    if what == "fail":
        return Injection(fails=True)
    match = _DELAY.fullmatch(what.removesuffix("+fail"))
    if match is None:
        fix = "give fail, delay:250ms or delay:250ms+fail"
        raise DemoError(f"{what!r} is no fault", where=where, fix=fix)
    delay_ms = int(match[1]) * (1000 if match[2] == "s" else 1)
    if delay_ms > DELAY_MS_MAX:
        fix = f"delay by {DELAY_MS_MAX} ms at most"
        raise DemoError(f"a delay of {delay_ms} ms", where=where, fix=fix)
    return Injection(delay_ms / 1000, fails=what.endswith("+fail"))
