"""Samples to the store: the age check, the limits on tags, and what is said of those refused.

This is the full path, which every format can take. A format with a faster way to known rows (see
`publish_json`) takes it for the tags only and comes back here for the rest.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from atlas.model import Tags
from atlas.store.layout import FloatArray, IntArray
from atlas.store.limits import StoreFull
from atlas.store.memory import MemoryStore

REASONS_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class PublishResult:
    """How many samples were taken and refused, and the first few reasons.

    `refused_by` counts the refused by kind of reason: `age`, `tags`, `series`, `memory`.
    """

    accepted_count: int
    refused_count: int = 0
    reasons: tuple[str, ...] = ()
    refused_by: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a sample is refused: the kind of reason, and what is said."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Samples:
    """Columns of a batch: sample i has `tags[i]`, `times_ms[i]` and `values[i]`."""

    tags: Sequence[Tags]
    times_ms: IntArray
    values: FloatArray


def publish_samples(store: MemoryStore, samples: Samples, now_ms: int) -> PublishResult:
    """Check every sample by itself and take those that pass; new series are visible at once."""
    rows: list[int] = []
    kept: list[int] = []
    reasons: list[str] = []
    refused_by: Counter[str] = Counter()
    with store.locked():
        store.advance(now_ms)
        for i, (tags, time_ms) in enumerate(
            zip(samples.tags, samples.times_ms.tolist(), strict=True)
        ):
            found = time_refusal(store, time_ms, time_ms, now_ms) or row_or_refusal(store, tags)
            if isinstance(found, int):
                rows.append(found)
                kept.append(i)
                continue
            refused_by[found.kind] += 1
            if len(reasons) < REASONS_SHOWN_MAX:
                reasons.append(f"{found.text} (tags={tags_text(tags)})")
        if rows:
            at = np.array(kept, np.intp)
            store.update(store.plan(rows), samples.times_ms[at], samples.values[at])
        store.refused.update(refused_by)
    return PublishResult(len(rows), refused_by.total(), tuple(reasons), refused_by)


def row_or_refusal(store: MemoryStore, tags: Tags) -> int | Refusal:
    """The row of a series, or why it is refused."""
    if not store.index.has_like(tags):  # nearly every new series is like others
        reason = store.config.limits.tags.reason_against(tags)
        if reason is not None:
            return Refusal("tags", reason)
    try:
        return store.row_for(tags)
    except StoreFull as full:
        return Refusal(full.reason, f"{full.what}; {full.fix}")


def time_refusal(store: MemoryStore, first_ms: int, last_ms: int, now_ms: int) -> Refusal | None:
    """Why some sample of these times is refused, or None: too old, or there is no block for it."""
    for time_ms in {first_ms, last_ms}:
        reason = _age_reason(store, time_ms, now_ms)
        if reason is not None:
            return Refusal("age", reason)
    try:
        store.make_room(first_ms, last_ms)
    except StoreFull as full:
        return Refusal(full.reason, f"{full.what}; {full.fix}")
    return None


def _age_reason(store: MemoryStore, time_ms: int, now_ms: int) -> str | None:
    age_ms_max = store.config.max_age_ms
    age_ms = now_ms - time_ms
    if age_ms > age_ms_max:
        return f"data is too old: now = {now_ms}, timestamp = {time_ms}, {age_ms} > {age_ms_max}"
    if -age_ms > age_ms_max:
        return f"data is from future: now = {now_ms}, timestamp = {time_ms}"
    return None


def tags_text(tags: Tags) -> str:
    """Tags as a refusal shows them, keys sorted: `{"name":"x"}`."""
    return json.dumps(dict(sorted(tags.items())), separators=(",", ":"), ensure_ascii=False)
