"""The publish format, `{"tags": {…}, "metrics": [{"tags": {…}, "timestamp": ms, "value": v}, …]}`.

Decoding tags is what costs. So the tags of a sample stay raw bytes, which are looked up as they
are: a client writes its tags the same way every time. One level up, the raw tags of the whole
batch are looked up first, by a digest of 128 bits, because a client also sends the same series in
the same order at every step; what is found is the finished plan of rows. Neither key holds a value
or a time. A key gets into either table only through the full path, so a key that is found is known
to be valid.

Everything unusual — other spellings of the fields, numbers as text, comments, mistakes — goes
through `lenient_json`, which is slow and exact.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

import msgspec
import numpy as np
from xxhash import xxh3_128_digest

from atlas.expr.text import parse_number
from atlas.ingest.lenient_json import read_payload
from atlas.ingest.samples import PublishResult, publish_samples, row_or_refusal, time_refusal
from atlas.store.layout import FloatArray
from atlas.store.memory import MemoryStore, Plan
from atlas.store.room import BATCHES, REMEMBERED_BYTES, SERIES

_MALFORMED = (msgspec.DecodeError, UnicodeDecodeError)
_NO_TIME = -1
_NO_TAGS = msgspec.Raw(b"{}")
_NAN = float("nan")


class _Metric(msgspec.Struct, gc=False):
    tags: msgspec.Raw
    timestamp: int = _NO_TIME
    value: float | str = _NAN


class _Payload(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    metrics: list[_Metric] = []
    tags: msgspec.Raw = _NO_TAGS


@dataclass(frozen=True, slots=True)
class _Known:
    """Rows by raw tags, for one spelling of the common tags."""

    common: dict[str, str]
    row_of: dict[bytes, int]


class JsonPublisher:
    """Takes bodies in the publish format; remembers the spelling of tags between them."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._payloads = msgspec.json.Decoder(_Payload)
        self._tags = msgspec.json.Decoder(dict[str, str])
        self._generation = store.generation
        self._known: dict[bytes, _Known] = {}
        self._known_count = 0
        self._known_bytes = 0
        self._plans: OrderedDict[bytes, Plan] = OrderedDict()
        self._plan_bytes = 0

    def publish(self, body: bytes, now_ms: int) -> PublishResult:
        """Take one body. Raises BadData if it is not in the format at all."""
        try:
            payload = self._payloads.decode(body)
        except _MALFORMED:
            return self._publish_slowly(body, now_ms)
        metrics = payload.metrics
        values = _values([m.value for m in metrics])
        times = [m.timestamp for m in metrics]
        # A missing field may stand under one of its old names.
        if values is None or _NO_TIME in times:
            return self._publish_slowly(body, now_ms)
        with self._store.locked():
            self._store.advance(now_ms)
            if time_refusal(self._store, min(times), max(times), now_ms) is None:
                plan = self._plan(bytes(payload.tags), [m.tags for m in metrics])
                if plan is not None:
                    self._store.update(plan, np.array(times, np.int64), values)
                    return PublishResult(len(values))
        return self._publish_slowly(body, now_ms)

    def _publish_slowly(self, body: bytes, now_ms: int) -> PublishResult:
        return publish_samples(self._store, read_payload(body), now_ms)

    def _plan(self, common: bytes, raw_tags: list[msgspec.Raw]) -> Plan | None:
        """The plan of a batch, or None if a sample of it must be refused."""
        if self._generation != self._store.generation:
            self._forget()
        key = xxh3_128_digest(b"\0".join((common, b"".join(raw_tags))))
        plan = self._plans.get(key)
        if plan is not None:
            self._plans.move_to_end(key)
            return plan
        rows = self._rows(common, raw_tags)
        if rows is None:
            return None
        plan = self._store.plan(rows)
        self._remember(key, plan)
        return plan

    def _rows(self, common: bytes, raw_tags: list[msgspec.Raw]) -> list[int] | None:
        known = self._known.get(common)
        if known is None:
            try:
                known = _Known(self._tags.decode(common), {})
            except _MALFORMED:
                return None
            self._known[common] = known
        rows = []
        for raw in raw_tags:
            text = bytes(raw)
            row = known.row_of.get(text)
            if row is None:
                row = self._row_of_new(known, text)
                if row is None:
                    return None
            rows.append(row)
        return rows

    def _row_of_new(self, known: _Known, text: bytes) -> int | None:
        try:
            tags = known.common | self._tags.decode(text)
        except _MALFORMED:
            return None
        row = row_or_refusal(self._store, tags)
        if not isinstance(row, int):
            return None
        known.row_of[text] = row
        self._known_count += 1
        self._known_bytes += len(text) + REMEMBERED_BYTES
        return row

    def _remember(self, key: bytes, plan: Plan) -> None:
        limits = self._store.config.limits
        self._plans[key] = plan
        self._plan_bytes += len(key) + plan.size_bytes
        while self._plan_bytes > limits.batch_cache_bytes_max:
            oldest, its_plan = self._plans.popitem(last=False)
            self._plan_bytes -= len(oldest) + its_plan.size_bytes
        # Many spellings of the same series would grow without end.
        if self._known_count > 2 * limits.series_count_max:
            self._forget()
        self._store.room.cache_bytes |= {SERIES: self._known_bytes, BATCHES: self._plan_bytes}

    def _forget(self) -> None:
        self._generation = self._store.generation
        self._known.clear()
        self._known_count = self._known_bytes = 0
        self._plans.clear()
        self._plan_bytes = 0


def _values(values: list[float | str]) -> FloatArray | None:
    """The values as an array; None if there are none, or one is missing or unreadable."""
    if not values:
        return None
    array = np.array(values)
    if array.dtype.kind == "f":
        return None if np.isnan(array).any() else array
    numbers = [parse_number(v) if isinstance(v, str) else v for v in values]
    # A NaN that was written as text is a gap; a NaN that is a number is a missing field.
    missing = (isinstance(v, float) and math.isnan(v) for v in values)
    if None in numbers or any(missing):
        return None
    return np.array(numbers, np.float64)
