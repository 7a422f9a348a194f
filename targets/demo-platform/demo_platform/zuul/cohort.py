"""Which members a rule is for. Pure.

`all`; `5%` of the members, always the same ones for the same rule; `7, 100-199` by number; or
`cohort:NAME`, as a device says in `x-cohort`.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from demo_platform.errors import DemoError

TEXT_MAX = 256

_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,2})?)%")
_RANGE = re.compile(r"([0-9]{1,12})(?:-([0-9]{1,12}))?")
_NAMED = re.compile(r"cohort:([A-Za-z0-9_-]{1,32})")
_FIX = "give all, 5%, 7, 100-199 or cohort:NAME"


@dataclass(frozen=True, slots=True)
class Cohort:
    """Members by share, by number or by name; who is not known is in none but `all`."""

    share: float = 0.0
    ranges: tuple[tuple[int, int], ...] = ()
    name: str = ""
    salt: str = ""

    def has(self, member: str, cohort: str) -> bool:
        """Whether a request of this member, on a device of this cohort, is meant."""
        if self.share >= 1.0:
            return True
        if self.name:
            return cohort == self.name
        if not member:
            return False
        if self.share:
            return zlib.crc32(f"{self.salt}/{member}".encode()) < self.share * 2**32
        number = int(member) if member.isascii() and member.isdigit() else -1
        return any(first <= number <= last for first, last in self.ranges)


def parse_cohort(text: str, *, salt: str, where: str) -> Cohort:
    """A cohort from its text. Raises DemoError.

    >>> parse_cohort("7, 100-199", salt="", where="").has("150", "")
    True
    """
    text = text.strip()
    if len(text) > TEXT_MAX:
        raise DemoError(
            f"{len(text)} characters of members", where=where, fix=f"at most {TEXT_MAX}"
        )
    if text == "all":
        return Cohort(share=1.0)
    if named := _NAMED.fullmatch(text):
        return Cohort(name=named[1])
    if percent := _PERCENT.fullmatch(text):
        share = float(percent[1]) / 100
        if not 0 < share <= 1:
            raise DemoError(f"{text} of the members", where=where, fix="more than 0%, at most 100%")
        return Cohort(share=share, salt=salt)
    return Cohort(ranges=tuple(_range(part.strip(), where) for part in text.split(",")))


def _range(text: str, where: str) -> tuple[int, int]:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise DemoError(f"{text!r} names no members", where=where, fix=_FIX)
    first = int(match[1])
    last = int(match[2] or first)
    if last < first:
        raise DemoError(f"{text!r} is empty", where=where, fix=f"write {last}-{first}")
    return first, last
