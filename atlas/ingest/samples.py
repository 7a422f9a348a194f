"""Samples to the store: the age check, the limits on tags, and what is said of those refused.

This is the full path, which every format can take. A format with a faster way to known rows (see
`publish_json`) takes it for the tags only and comes back here for the rest.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from atlas.errors import LimitExceeded
from atlas.model import Tags
from atlas.store.block import FloatArray, IntArray
from atlas.store.memory import MemoryStore

REASONS_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class PublishResult:
    """How many samples were taken and refused, and the first few reasons."""

    accepted_count: int
    refused_count: int = 0
    reasons: tuple[str, ...] = ()


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
    refused_count = 0
    with store.locked():
        store.forget_old(now_ms)
        for i, (tags, time_ms) in enumerate(
            zip(samples.tags, samples.times_ms.tolist(), strict=True)
        ):
            reason = age_reason(store, time_ms, now_ms)
            row = None
            if reason is None:
                row, reason = row_or_reason(store, tags)
            if row is None:
                refused_count += 1
                if refused_count <= REASONS_SHOWN_MAX:
                    reasons.append(f"{reason} (tags={tags_text(tags)})")
            else:
                rows.append(row)
                kept.append(i)
        if rows:
            at = np.array(kept, np.intp)
            store.update(store.plan(rows), samples.times_ms[at], samples.values[at])
    return PublishResult(len(rows), refused_count, tuple(reasons))


def row_or_reason(store: MemoryStore, tags: Tags) -> tuple[int | None, str]:
    """The row of a series, or why it is refused."""
    reason = store.config.limits.tags.reason_against(tags)
    if reason is not None:
        return None, reason
    try:
        return store.row_for(tags), ""
    except LimitExceeded as error:
        return None, f"{error.what}; {error.fix}"


def age_reason(store: MemoryStore, time_ms: int, now_ms: int) -> str | None:
    """Why a sample of this time is refused, or None."""
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
