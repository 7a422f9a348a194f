"""What an answer's text is held against, and the number taken from it.

Patterns run on the store's own engine, whose time is bounded: one from a document could otherwise
stop the whole process, and the undo with it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from atlas.errors import AtlasError
from atlas.expr.pattern import Pattern, compile_pattern
from chaosctl.probes.answer import OUTPUT_BYTES_MAX, Answer, CannotAsk, met, unmet

_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_ANY = object()


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is wanted of an answer; what is empty or None is not asked about.

    contains: text that stands in it. matches: a pattern that fits inside one of its lines.
    json_path: finds something in it, and with `equals` the first of that is equal. within_ms: how
    soon it comes. take: `latency`, `number` (the first in the text), or a JSON path.
    """

    contains: str = ""
    matches: str = ""
    json_path: str = ""
    equals: Any = _ANY
    within_ms: float = math.inf
    take: str = ""

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Expectation:
        """From a document's parameters: `expect` and `take`."""
        expect = parameters.get("expect", {})
        in_json = expect.get("json", {})
        return cls(
            contains=expect.get("contains", ""),
            matches=expect.get("matches", ""),
            json_path=in_json.get("path", ""),
            equals=in_json.get("equals", _ANY),
            within_ms=expect.get("within", math.inf),
            take=parameters.get("take", ""),
        )

    def judge(self, data: bytes, took_ms: float, about: str) -> Answer:
        """The answer that this text, which took so long to come, amounts to.

        data: as it came; what is longer than OUTPUT_BYTES_MAX was cut off. Binary is no error.
        """
        text = data[:OUTPUT_BYTES_MAX].decode("utf-8", "replace")
        wrong = self._wrong(text, took_ms, is_cut=len(data) > OUTPUT_BYTES_MAX)
        if wrong:
            return unmet(f"{about}, {wrong}" if about else wrong, self.take)
        if not self.take:
            return met(about or "as expected")
        return self._taken(text, took_ms, about)

    def _wrong(self, text: str, took_ms: float, *, is_cut: bool) -> str:
        """Why the text is not as wanted; empty if it is."""
        if took_ms > self.within_ms:
            return f"took {took_ms:.0f} ms, not within {self.within_ms:g} ms"
        if self.contains and self.contains not in text:
            return f"does not contain {self.contains!r}"
        if self.matches and not fits(self.matches, text):
            return f"nothing in it matches {self.matches!r}"
        needs_json = self.json_path or self.take.startswith("$")
        if needs_json and is_cut:
            return f"longer than {OUTPUT_BYTES_MAX // 1024} KiB"
        if self.json_path:
            return self._wrong_json(text)
        return ""

    def _wrong_json(self, text: str) -> str:
        found = look_up(self.json_path, text)
        if isinstance(found, str):
            return found
        if not found:
            return f"has nothing at {self.json_path}"
        if self.equals is not _ANY and not _is_equal(found[0], self.equals):
            return f"{self.json_path} is {_short(found[0])}, not {_short(self.equals)}"
        return ""

    def _taken(self, text: str, took_ms: float, about: str) -> Answer:
        if self.take == "latency":
            return Answer(took_ms, f"{about} in {took_ms:.1f} ms")
        if self.take == "number":
            number = _NUMBER.search(text)
            value = float(number[0]) if number else math.nan
        else:
            found = look_up(self.take, text)
            if isinstance(found, str):
                return unmet(f"{about}, {found}", self.take)
            value = _as_number(found[0]) if found else math.nan
        if not math.isfinite(value):
            return unmet(f"{about}, has no number at {self.take}", self.take)
        return Answer(value, f"{value:g}")


def fits(pattern: str, text: str) -> bool:
    """Whether the pattern fits inside a line of the text. Raises CannotAsk if it takes too long."""
    try:
        return bool(_compiled(pattern).accepts_many(text.splitlines() or [""]).any())
    except AtlasError as error:
        raise CannotAsk(f"pattern {pattern!r}: {error.what}", "make it simpler") from error


def look_up(path: str, text: str) -> list[Any] | str:
    """What the path finds in the text, or why the text is no JSON."""
    try:
        # NaN and ∞ are no JSON, and no number that anything could be held against.
        content = json.loads(text, parse_constant=lambda _name: None)
        return [match.value for match in _path(path).find(content)]
    except (ValueError, RecursionError):
        return "is no JSON"


@lru_cache(maxsize=100)
def _compiled(pattern: str) -> Pattern:
    return compile_pattern(f".*(?:{pattern})", ignore_case=False)


@lru_cache(maxsize=100)
def _path(path: str) -> Any:
    import jsonpath_ng  # noqa: PLC0415 - only for documents that have paths

    return jsonpath_ng.parse(path)


def _is_equal(found: Any, wanted: Any) -> bool:
    """As JSON sees it: `true` is not 1."""
    return isinstance(found, bool) == isinstance(wanted, bool) and bool(found == wanted)


def _as_number(found: Any) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float):
        return math.nan
    try:
        return float(found)
    except OverflowError:
        return math.nan


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:39] + "…"
