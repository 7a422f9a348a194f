"""spectatord's line protocol: datagrams in, and at the end of each step its datapoints.

The original is two programs: an agent on each machine that adds lines up and sends the sums every
5 seconds, and an aggregator that makes values per second of a step of them. Here the store does
both, so a step has the lines that arrived in it.

What stands before a line's value is looked up as raw bytes, for a client writes it the same way
every time; a line with known bytes and a plain number then costs a lookup and a conversion. The
rest is done for some thousand lines at once (see `spectatord_meters`).
"""

from __future__ import annotations

import binascii
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from xxhash import xxh64_intdigest

from atlas.ingest.samples import Samples, publish_samples, row_or_refusal, time_refusal
from atlas.ingest.spectatord_line import Head, LineRefused, Reason, read_head
from atlas.ingest.spectatord_meters import NO_ROW, Meters
from atlas.model import Tags
from atlas.settings import MeterSettings
from atlas.store.layout import FloatArray, IntArray
from atlas.store.memory import MemoryStore
from atlas.store.room import METERS

_UNDERSCORE = ord("_")  # `in` takes ten times as long for bytes
_PENDING_MAX = 4096
_PENDING_MS_MAX = 1000
_TTL_SHIFT = 32
_METER_MASK = (1 << _TTL_SHIFT) - 1
_TTL_S_MAX = 1 << 30
_EXPIRIES = 16  # looked for so many times in a lifetime
_SPELLING_BYTES = 120  # of the tables, for each spelling; the spelling comes on top
_SPELLINGS_BYTES_MAX = 64 * 1024 * 1024
_REFUSALS_MAX = 1000
_REGISTER_BITS = 6
_REGISTERS = (1 << _REGISTER_BITS) - 1


@dataclass(frozen=True, slots=True)
class IntakeStats:
    """What has arrived: lines that were taken, refused ones by reason, series of live meters."""

    line_count: int
    refused: Mapping[Reason, int]
    series_count: int


class Intake:
    """Takes lines, and writes a step to the store when it is over. For one thread."""

    def __init__(self, store: MemoryStore, settings: MeterSettings, now_ms: int) -> None:
        self.refused: Counter[Reason] = Counter()
        self._store = store
        self._settings = settings
        self._step_ms = store.config.step_ms
        self._meters = Meters(settings, store.config.limits.tags)
        self._generation = store.generation
        self._end_ms = self._end_of_step(now_ms)
        self._expired_ms = now_ms
        self._line_count = 0
        self._known: dict[bytes, int] = {}
        self._known_bytes = 0
        # Lines of known meters that are not taken yet, in their order.
        self._numbers: list[int] = []
        self._values: list[float] = []
        self._pending_ms = self._taken_ms = now_ms
        self._sampled: list[tuple[Tags, int, float]] = []

    @property
    def end_ms(self) -> int:
        """When the step at hand is over."""
        return self._end_ms

    def stats(self) -> IntakeStats:
        """What has arrived until now."""
        self._take_pending()
        return IntakeStats(self._line_count, dict(self.refused), self._meters.series_count)

    def take(self, text: bytes, now_ms: int) -> None:
        """Take lines, which newlines part. One that is malformed is counted, and the rest taken."""
        self.advance(now_ms)
        if not self._numbers:
            self._pending_ms = now_ms
        self._taken_ms = now_ms
        known, numbers, values = self._known, self._numbers, self._values
        for line in text.split(b"\n"):
            head, _, value = line.rpartition(b":")
            try:
                number, amount = known[head], float(value)
            except (KeyError, ValueError):
                self._take_unusual(head, value, now_ms)
                continue
            if _UNDERSCORE in value:  # such digits only Python reads
                self.refused["value"] += 1
                continue
            numbers.append(number)
            values.append(amount)
        if len(numbers) >= _PENDING_MAX or now_ms >= self._pending_ms + _PENDING_MS_MAX:
            self._take_pending()

    def advance(self, now_ms: int) -> None:
        """End the step at hand if it is over, also when the clock was set."""
        end_ms = self._end_of_step(now_ms)
        if end_ms == self._end_ms:
            return
        over_ms, self._end_ms = self._end_ms, end_ms
        self._take_pending()
        slots, values = self._meters.end_step(over_ms, self._step_ms)
        self._publish(slots, values, over_ms, now_ms)
        self._publish_sampled(now_ms)
        if not 0 <= now_ms - self._expired_ms < self._settings.ttl_ms // _EXPIRIES:
            self._expired_ms = now_ms
            self._expire(now_ms)
        self._store.room.cache_bytes[METERS] = self._meters.size_bytes + self._known_bytes

    def _end_of_step(self, now_ms: int) -> int:
        return (now_ms // self._step_ms + 1) * self._step_ms

    def _take_unusual(self, head: bytes, value: bytes, now_ms: int) -> None:
        """A line whose meter is not known yet, or whose value is no number."""
        if not head and not value.strip():
            return
        try:
            self._take_new(head, value, now_ms)
        except LineRefused as refusal:
            self.refused[refusal.reason] += 1

    def _take_new(self, text: bytes, value: bytes, now_ms: int) -> None:
        head = read_head(text)
        if head.kind.letter == "S":
            self._take_distinct(head, value, now_ms)
            return
        amount = _number(value)
        if not head.kind.takes(amount):
            raise LineRefused("value")
        if head.kind.letter == "X":
            self._take_sampled(head, amount)
            return
        number = self._meters.number(head, now_ms)
        if head.kind.letter == "A":
            # 0 means now, so it cannot wait to be taken with others; nor is it remembered.
            amount = amount or now_ms / 1000
        else:
            number |= min(head.option, _TTL_S_MAX) << _TTL_SHIFT
            self._remember(text, number)
        self._numbers.append(number)
        self._values.append(amount)

    def _take_distinct(self, head: Head, value: bytes, now_ms: int) -> None:
        """A value whose hash says which register it is for, and by its first zeros how much."""
        try:
            content = binascii.a2b_base64(value.strip(), strict_mode=True)
        except binascii.Error as error:
            raise LineRefused("value") from error
        number = self._meters.number(head, now_ms)
        rest, register = divmod(xxh64_intdigest(content), _REGISTERS + 1)
        rank = 64 - _REGISTER_BITS - rest.bit_length() + 1
        if self._meters.take_register(number, register, rank, now_ms):
            raise LineRefused("meters")
        self._line_count += 1

    def _take_sampled(self, head: Head, value: float) -> None:
        """A monotonic value with its own time: the store itself makes a rate of those."""
        tags = {"statistic": "count", **self._settings.common_tags, **head.tags}
        self._sampled.append(({**tags, "atlas.dstype": "counter"}, head.option, value))
        self._line_count += 1

    def _take_pending(self) -> None:
        if self._numbers:
            packed = np.array(self._numbers, np.int64)
            values = np.array(self._values, np.float64)
            self._numbers.clear()
            self._values.clear()
            numbers, ttl_s = packed & _METER_MASK, packed >> _TTL_SHIFT
            bad_count, homeless_count = self._meters.take(numbers, values, self._taken_ms)
            has_ttl = ttl_s > 0
            if has_ttl.any():
                self._meters.live_for(numbers[has_ttl], ttl_s[has_ttl])
            self.refused["value"] += bad_count
            self.refused["meters"] += homeless_count
            self._line_count += len(values) - bad_count - homeless_count
        if len(self._sampled) >= _PENDING_MAX:
            self._publish_sampled(self._taken_ms)

    def _publish(self, slots: IntArray, values: FloatArray, time_ms: int, now_ms: int) -> None:
        store = self._store
        with store.locked():
            store.advance(now_ms)
            refusal = time_refusal(store, time_ms, time_ms, now_ms) if len(slots) else None
            if refusal is not None:
                store.refused[refusal.kind] += len(slots)
                return
            rows = self._rows(slots)
            has_row = rows != NO_ROW
            if has_row.any():
                plan = store.plan(rows[has_row].tolist())
                store.update(plan, np.full(len(plan.rows), time_ms), values[has_row])

    def _rows(self, slots: IntArray) -> IntArray:
        """The store's rows; NO_ROW where it refuses a series, which is counted there."""
        if self._generation != self._store.generation:
            self._generation = self._store.generation
            self._meters.forget_rows()
        rows = self._meters.rows(slots)
        new = np.flatnonzero(rows == NO_ROW)
        refused: Counter[str] = Counter()
        tries = zip(new.tolist(), self._meters.tags_of(slots[new]), strict=True)
        for at, tags in tries:
            found = row_or_refusal(self._store, tags)
            if isinstance(found, int):
                rows[at] = found
                continue
            refused[found.kind] += 1
            if refused.total() >= _REFUSALS_MAX:  # a full store refuses the others, too
                refused[found.kind] += sum(1 for _ in tries)
                break
        self._meters.set_rows(slots[new], rows[new])
        self._store.refused.update(refused)
        return rows

    def _publish_sampled(self, now_ms: int) -> None:
        if not self._sampled:
            return
        tags, times_ms, values = zip(*self._sampled, strict=True)
        self._sampled.clear()
        samples = Samples(tags, np.array(times_ms, np.int64), np.array(values, np.float64))
        publish_samples(self._store, samples, now_ms)

    def _remember(self, text: bytes, number: int) -> None:
        self._known_bytes += len(text) + _SPELLING_BYTES
        if self._known_bytes > _SPELLINGS_BYTES_MAX:  # many spellings of the same meters
            self._known = {}
            self._known_bytes = len(text) + _SPELLING_BYTES
        self._known[text] = number

    def _expire(self, now_ms: int) -> None:
        renumbered = self._meters.expire(now_ms)
        if renumbered is None:
            return
        places = renumbered.tolist()
        kept = {
            text: places[number & _METER_MASK] | number & ~_METER_MASK
            for text, number in self._known.items()
            if places[number & _METER_MASK] >= 0
        }
        self._known = kept
        self._known_bytes = sum(len(text) + _SPELLING_BYTES for text in kept)


def _number(text: bytes) -> float:
    try:
        if _UNDERSCORE not in text:
            return float(text)
    except ValueError as error:
        raise LineRefused("value") from error
    raise LineRefused("value")
