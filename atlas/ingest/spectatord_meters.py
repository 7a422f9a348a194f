"""Meters between two steps: what lines have added up to, and what of it a step shows.

A *meter* is what lines name: a type and tags. A *slot* is one series that it publishes: a timer
has four, and one more for each bucket that it has hit. Both are rows of tables, and lines are taken
many at a time, so nothing here loops over them.

A slot keeps one number, by its sort: ADDED is what was counted in this step, and shown per second,
as 0 too; LARGEST the largest of this step, shown if there was any; LAST what was set last, shown
until it expires; SINCE the instant that an age is counted from.
"""

from __future__ import annotations

from collections.abc import Iterator
from sys import intern

import numpy as np
import numpy.typing as npt

from atlas.expr.sketch_expr import BUCKET_BOUNDS, NANOS_PER_SECOND
from atlas.ingest.spectatord_line import KINDS, Head, LineRefused, MeterKind
from atlas.model import Tags
from atlas.settings import MeterSettings
from atlas.store.layout import BoolArray, FloatArray, IntArray
from atlas.store.limits import TagLimits

ADDED, LARGEST, LAST, SINCE = range(4)
NO_ROW = -1
METER_BYTES = 450
"""What a meter takes besides its tables, measured with six tags: identity and tags."""

_LETTERS = "".join(KINDS)
_VALUE_MIN = np.array([kind.value_min for kind in KINDS.values()])
_GAUGE = _LETTERS.index("g")
_SORT_OF: dict[str, int] = {"gauge": LAST, "max": LARGEST}
_START = np.array([0.0, -np.inf, np.nan, np.nan])
_TTL_MS_MIN = 5000
_UINT64_SPAN = 2.0**64
_NANOS_MAX = 24 * 3600 * NANOS_PER_SECOND
_CELLS = len(BUCKET_BOUNDS)

_METER = np.dtype(
    [
        ("kind", np.int8),
        ("first", np.int32),
        ("sketch", np.int32),
        ("last", np.float64),
        ("ttl_ms", np.int64),
        ("updated_ms", np.int64),
    ],
    align=True,
)
_SLOT = np.dtype(
    [("sort", np.int8), ("part", np.int16), ("meter", np.int32), ("row", np.int32), ("n", "f8")],
    align=True,
)
SLOT_BYTES = _SLOT.itemsize
Table = npt.NDArray[np.void]


class Meters:
    """All meters of a listener."""

    def __init__(self, settings: MeterSettings, limits: TagLimits) -> None:
        self._settings = settings
        self._limits = limits
        self._numbers: dict[str, int] = {}
        self._tags: list[dict[str, str]] = []
        self._meters: Table = np.zeros(16, _METER)
        self._slots: Table = np.zeros(64, _SLOT)
        self._sketches: npt.NDArray[np.int32] = np.full((4, _CELLS), -1, np.int32)
        self._sketch_count = 0
        self._age_count = 0
        self.series_count = 0

    def __len__(self) -> int:
        return len(self._tags)

    @property
    def size_bytes(self) -> int:
        """What the tables and tags take, about."""
        tables = self._meters.nbytes + self._slots.nbytes + self._sketches.nbytes
        return tables + METER_BYTES * len(self._tags)

    def number(self, head: Head, now_ms: int) -> int:
        """The meter of a line, made if it is new. Raises LineRefused."""
        pairs = (*self._settings.common_tags.items(), *head.tags.items())
        tags = {intern(k): intern(v) for k, v in pairs if k != "atlas.dstype"}
        identity = head.kind.letter + ",".join(f"{k}={v}" for k, v in sorted(tags.items()))
        known = self._numbers.get(identity)
        if known is not None:
            return known
        self._refuse(head.kind, tags)
        number = len(self._tags)
        self._meters = _with_room(self._meters, number + 1)
        first = self._add_slots(number, head.kind)
        sketch = self._add_sketch() if head.kind.sketch is not None else -1
        code = _LETTERS.index(head.kind.letter)
        self._meters[number] = (code, first, sketch, np.nan, self._settings.ttl_ms, now_ms)
        self._age_count += head.kind.letter == "A"
        self._tags.append(tags)
        self._numbers[identity] = number
        return number

    def _refuse(self, kind: MeterKind, tags: dict[str, str]) -> None:
        """Raises LineRefused for tags that the store does not take, and when there are too many."""
        for part in (*range(-len(kind.statistics), 0), *((0,) if kind.sketch else ())):
            if self._limits.reason_against(self._series_tags(kind, tags, part)) is not None:
                raise LineRefused("tags")
        is_age = kind.letter == "A"
        too_old = is_age and self._age_count >= self._settings.age_gauge_count_max
        if too_old or not self._has_room(max(1, len(kind.statistics))):
            raise LineRefused("meters")

    def _has_room(self, more: int) -> bool:
        return self.series_count + more <= self._settings.series_count_max

    def _add_slots(self, number: int, kind: MeterKind) -> int:
        first = self.series_count
        self._slots = _with_room(self._slots, first + len(kind.statistics))
        for statistic in kind.statistics:
            sort = SINCE if kind.letter == "A" else _SORT_OF.get(statistic, ADDED)
            # A monotonic counter has nothing to show before its second line.
            start = np.nan if kind.letter in "CU" else _START[sort]
            part = self.series_count - first - len(kind.statistics)
            self._slots[self.series_count] = (sort, part, number, NO_ROW, start)
            self.series_count += 1
        return first

    def _add_sketch(self) -> int:
        if self._sketch_count == len(self._sketches):
            more = np.full((max(4, self._sketch_count), _CELLS), -1, np.int32)
            self._sketches = np.concatenate((self._sketches, more))
        self._sketch_count += 1
        return self._sketch_count - 1

    # Lines of many meters at once; `numbers[i]` is the meter of line i.

    def take(self, numbers: IntArray, values: FloatArray, now_ms: int) -> tuple[int, int]:
        """Take lines in their order. How many had an impossible value, and no room for a bucket."""
        kinds = self._meters["kind"][numbers]
        is_fine = (values >= _VALUE_MIN[kinds]) & (values < np.inf)
        is_bad = ~(is_fine | (np.isnan(values) & (kinds == _GAUGE)))
        numbers, values, kinds = numbers[~is_bad], values[~is_bad], kinds[~is_bad]
        self._meters["updated_ms"][numbers] = now_ms
        homeless_count = 0
        for code in np.unique(kinds).tolist():
            at = kinds == code
            homeless_count += self._take_kind(_LETTERS[code], numbers[at], values[at])
        return int(is_bad.sum()), homeless_count

    def _take_kind(self, letter: str, numbers: IntArray, values: FloatArray) -> int:
        firsts = self._meters["first"][numbers]
        shown = self._slots["n"]
        if letter == "c":
            np.add.at(shown, firsts, values)
        elif letter in "CU":
            self._take_monotonic(numbers, values, _UINT64_SPAN if letter == "U" else 0.0)
        elif letter == "m":
            np.maximum.at(shown, firsts, values)
        elif letter in "gA":
            shown[firsts] = values  # of a meter's values the last one stays
        else:
            np.add.at(shown, firsts, 1.0)
            np.add.at(shown, firsts + 1, values)
            with np.errstate(over="ignore"):
                np.add.at(shown, firsts + 2, values * values)
            np.maximum.at(shown, firsts + 3, values)
        if letter == "T":
            nanos = np.clip(values * NANOS_PER_SECOND, 1, _NANOS_MAX)
            return self._take_cells(numbers, buckets_of(nanos), ADDED, np.ones(len(values)))
        if letter == "D":
            return self._take_cells(numbers, buckets_of(values), ADDED, np.ones(len(values)))
        return 0

    def _take_monotonic(self, numbers: IntArray, values: FloatArray, span: float) -> None:
        """Add what each value is above the one before it; one that fell has begun again.

        span: where the source begins again by itself, taken for that if it was past its middle.
        """
        order = np.argsort(numbers, kind="stable")
        numbers, values = numbers[order], values[order]
        is_first = np.append(True, numbers[1:] != numbers[:-1])
        before = np.where(is_first, self._meters["last"][numbers], np.roll(values, 1))
        grown = values - before
        grown = np.where((grown < 0) & (before >= span / 2), grown + span, grown)
        self._meters["last"][numbers] = values
        is_known = ~np.isnan(grown)
        firsts, grown = self._meters["first"][numbers[is_known]], grown[is_known]
        shown = self._slots["n"]
        shown[firsts] = np.nan_to_num(shown[firsts])
        np.add.at(shown, firsts, np.maximum(grown, 0.0))

    def _take_cells(
        self, numbers: IntArray, cells: IntArray, sort: int, amounts: FloatArray
    ) -> int:
        """Count in the cells of sketches; how many found no room for a new one."""
        sketches = self._meters["sketch"][numbers]
        slots = self._sketches[sketches, cells]
        if (slots < 0).any():
            new = np.unique(np.stack((numbers, cells), axis=1)[slots < 0], axis=0)
            for number, cell in new.tolist():
                self._add_cell(number, cell, sort)
            slots = self._sketches[sketches, cells]
        at_home = slots >= 0
        combine = np.add.at if sort == ADDED else np.maximum.at
        combine(self._slots["n"], slots[at_home], amounts[at_home])
        return int((~at_home).sum())

    def _add_cell(self, number: int, cell: int, sort: int) -> None:
        if not self._has_room(1):
            return
        self._slots = _with_room(self._slots, self.series_count + 1)
        self._slots[self.series_count] = (sort, cell, number, NO_ROW, _START[sort])
        self._sketches[self._meters["sketch"][number], cell] = self.series_count
        self.series_count += 1

    def take_register(self, number: int, register: int, rank: int, now_ms: int) -> int:
        """Note a value of a distinct count; 1 if there was no room for its register."""
        self._meters["updated_ms"][number] = now_ms
        one = np.array([number]), np.array([register])
        return self._take_cells(*one, LARGEST, np.array([float(rank)]))

    def live_for(self, numbers: IntArray, ttl_s: IntArray) -> None:
        """Set how long gauges are shown after their last line, in order."""
        self._meters["ttl_ms"][numbers] = np.maximum(ttl_s * 1000, _TTL_MS_MIN)

    # The end of a step.

    def end_step(self, end_ms: int, step_ms: int) -> tuple[IntArray, FloatArray]:
        """The slots that a step shows, and their values; then counting begins again."""
        slots = self._slots[: self.series_count]
        sorts, shown = slots["sort"], slots["n"]
        is_silent = end_ms - self._meters["updated_ms"] > self._meters["ttl_ms"]
        is_over = is_silent[slots["meter"]]
        shown[(sorts == LAST) & is_over] = np.nan
        values = shown.copy()
        values[sorts == ADDED] *= 1000 / step_ms
        values[(sorts == LARGEST) & (values == -np.inf)] = np.nan
        values[sorts == SINCE] = end_ms / 1000 - values[sorts == SINCE]
        shown[(sorts == ADDED) & ~np.isnan(shown)] = 0.0
        shown[sorts == LARGEST] = -np.inf
        kept = np.flatnonzero(~np.isnan(values))
        return kept, values[kept]

    def rows(self, slots: IntArray) -> IntArray:
        """The store's rows of slots, NO_ROW where there is none yet."""
        return self._slots["row"][slots].astype(np.int64)

    def set_rows(self, slots: IntArray, rows: IntArray) -> None:
        """Note the store's rows."""
        self._slots["row"][slots] = rows

    def forget_rows(self) -> None:
        """The store has given its rows to others."""
        self._slots["row"] = NO_ROW

    def tags_of(self, slots: IntArray) -> Iterator[Tags]:
        """The tags of the series of slots."""
        for slot in self._slots[slots]:
            number = int(slot["meter"])
            kind = KINDS[_LETTERS[self._meters["kind"][number]]]
            yield self._series_tags(kind, self._tags[number], int(slot["part"]))

    def _series_tags(self, kind: MeterKind, tags: dict[str, str], part: int) -> Tags:
        """Tags of one series of a meter: a statistic, from -1 for the last, or a sketch's cell."""
        if part >= 0 and kind.sketch is not None:
            key, statistic, form = kind.sketch
            if kind.letter != "S":
                tags = {
                    k: v for k, v in tags.items() if k not in self._settings.percentiles_without
                }
            dstype = "gauge" if kind.letter == "S" else "sum"
            return {**tags, "statistic": statistic, key: form.format(part), "atlas.dstype": dstype}
        statistic = kind.statistics[part]
        dstype = "gauge" if statistic in _SORT_OF else "sum"
        if kind.keeps_statistic:
            statistic = tags.get("statistic", statistic)
        return {**tags, "statistic": statistic, "atlas.dstype": dstype}

    def expire(self, now_ms: int) -> IntArray | None:
        """Drop meters without lines for long. The new number of each, -1 if it is gone, or None."""
        meters = self._meters[: len(self)]
        ttl_ms = np.maximum(meters["ttl_ms"], self._settings.ttl_ms)
        is_age = meters["kind"] == _LETTERS.index("A")
        is_kept: BoolArray = is_age | (now_ms - meters["updated_ms"] <= ttl_ms)
        if is_kept.all():
            return None
        renumbered = np.where(is_kept, np.cumsum(is_kept) - 1, -1)
        slots = self._slots[: self.series_count]
        stays = is_kept[slots["meter"]]
        moved = np.append(np.where(stays, np.cumsum(stays) - 1, -1), -1).astype(np.int32)
        self._slots = slots[stays]
        self._slots["meter"] = renumbered[self._slots["meter"]]
        self.series_count = len(self._slots)
        self._meters = meters[is_kept]
        self._meters["first"] = moved[np.minimum(self._meters["first"], len(stays))]
        self._keep_sketches(moved)
        self._tags = [tags for tags, kept in zip(self._tags, is_kept, strict=True) if kept]
        places = renumbered.tolist()
        self._numbers = {k: places[n] for k, n in self._numbers.items() if places[n] >= 0}
        return renumbered

    def _keep_sketches(self, moved: npt.NDArray[np.int32]) -> None:
        """Only the sketches of the meters that are left; `moved` are new places of slots."""
        with_sketch = np.flatnonzero(self._meters["sketch"] >= 0)
        self._sketches = moved[self._sketches[self._meters["sketch"][with_sketch]]]
        self._meters["sketch"][with_sketch] = np.arange(len(with_sketch))
        self._sketch_count = len(with_sketch)


_POWERS: IntArray = 4 ** np.arange(1, 31)
_PLACES: IntArray = np.searchsorted(np.array(BUCKET_BOUNDS), _POWERS)


def buckets_of(values: FloatArray) -> IntArray:
    """The bucket that clients count each value in; as `bucket_of`, for many."""
    whole = np.minimum(values, float(_POWERS[-1] * 4 - 1024)).astype(np.int64)
    row = np.maximum(np.searchsorted(_POWERS, whole, side="right") - 1, 0)
    steps = (whole - _POWERS[row]) // (_POWERS[row] // 3)
    return np.where(whole <= 4, whole, np.minimum(_PLACES[row] + steps + 1, _CELLS - 1))


def _with_room(table: Table, count: int) -> Table:
    """The table with at least `count` rows."""
    if count <= len(table):
        return table
    return np.concatenate((table, np.zeros(max(count - len(table), len(table)), table.dtype)))
