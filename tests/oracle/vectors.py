"""Recorded questions and answers, and what is sent for a question.

A vector holds instants as `{B}`, the base end in milliseconds, `{B-300}`, five minutes earlier, or
`{B-300|s}` and `|us`, `|ns`, `|iso`, `|isoz`, `|isomin`, `|date`, the same in other notations.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

DATA = Path(__file__).resolve().parent.parent / "data" / "oracle"
DAY_MS = 86_400_000

_INSTANT = re.compile(r"\{B([+-]\d+)?(?:\|(\w+))?\}")
_UNITS = {"s": lambda ms: ms // 1000, "us": lambda ms: ms * 1000, "ns": lambda ms: ms * 1_000_000}
_UNITS["ms"] = lambda ms: ms
_DATES = {
    "iso": "%Y-%m-%dT%H:%M:%S",
    "isoz": "%Y-%m-%dT%H:%M:%SZ",
    "isomin": "%Y-%m-%dT%H:%M",
    "date": "%Y-%m-%d",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A request as it is sent; the path with its query, percent-encoded."""

    method: str
    path: str
    body: bytes | None
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Vector:
    """One recorded question with its answer, as the file has it."""

    document: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Names the vector; made from its question."""
        return self.document["id"]

    @property
    def category(self) -> str:
        """What the question is about, as `math.binary`."""
        return self.document["category"]

    @property
    def kind(self) -> str:
        """The shape of the answer."""
        return self.document["kind"]

    @property
    def is_absolute(self) -> bool:
        """Whether the instants in the answer are dates, not relative to the base end."""
        return self.document.get("absolute", False)

    def questions(self, base_end_ms: int) -> list[Question]:
        """What is sent, in order; only the last one's answer is looked at."""
        documents = [*self.document.get("before", []), self.document["request"]]
        return [_question(d, base_end_ms) for d in documents]


def vectors() -> list[Vector]:
    """Every vector. Those that publish come last, as they change what the others would see."""
    with gzip.open(DATA / "vectors.jsonl.gz", "rt", encoding="utf-8") as lines:
        found = [Vector(json.loads(line)) for line in lines]
    return sorted(found, key=lambda v: (v.category.startswith("publish"), v.category))


def latest_base_end_ms(now_ms: int) -> int:
    """The latest noon in UTC that is at least ten minutes ago."""
    noon_ms = DAY_MS // 2
    return (now_ms - 10 * 60_000 - noon_ms) // DAY_MS * DAY_MS + noon_ms


def _question(document: Mapping[str, Any], base_end_ms: int) -> Question:
    path = _dated(document.get("raw") or document["path"], base_end_ms)
    if parameters := document.get("params"):
        pairs = ((key, _dated(value, base_end_ms)) for key, value in parameters)
        path += "?" + "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in pairs)
    headers = dict(document.get("headers", {}))
    body = None
    if "json" in document:
        body = json.dumps(_dated_values(document["json"], base_end_ms)).encode()
    elif "text" in document:
        body = _dated(document["text"], base_end_ms).encode()
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
        if document.get("gzip"):
            body = gzip.compress(body, mtime=0)
            headers["Content-Encoding"] = "gzip"
    return Question(document.get("method", "GET"), path, body, headers)


def _dated(text: str, base_end_ms: int) -> str:
    def instant(match: re.Match[str]) -> str:
        ms = base_end_ms + int(match[1] or 0) * 1000
        notation = match[2] or "ms"
        if notation in _UNITS:
            return str(_UNITS[notation](ms))
        return datetime.fromtimestamp(ms / 1000, UTC).strftime(_DATES[notation])

    return _INSTANT.sub(instant, text)


def _dated_values(value: Any, base_end_ms: int) -> Any:
    """The same for a document; text that is nothing but an instant in a unit becomes a number."""
    if isinstance(value, str):
        alone = _INSTANT.fullmatch(value)
        text = _dated(value, base_end_ms)
        return int(text) if alone and (alone[2] or "ms") in _UNITS else text
    if isinstance(value, list):
        return [_dated_values(item, base_end_ms) for item in value]
    if isinstance(value, dict):
        return {key: _dated_values(item, base_end_ms) for key, item in value.items()}
    return value
