"""spectatord's lines: nothing is lost or counted twice, and no line breaks the intake.

With `CHAOSCTL_FUZZ_SECONDS=600` the last test looks for longer; `CHAOSCTL_FUZZ_SEED` is where it
begins.
"""

from __future__ import annotations

import math
import os
import random
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.eval.evaluate import evaluate
from atlas.expr.data_expr import All
from atlas.expr.query_expr import TrueQuery
from atlas.ingest.spectatord import Intake
from atlas.ingest.spectatord_line import REASONS
from atlas.model import EvalContext
from atlas.settings import MeterSettings
from atlas.store.limits import StoreLimits
from atlas.store.memory import MemoryStore, StoreConfig

SECONDS = float(os.environ.get("CHAOSCTL_FUZZ_SECONDS", "1"))
SEED = int(os.environ.get("CHAOSCTL_FUZZ_SEED", "0"))
NOW_MS = 1_641_600_000_000
STEP_MS = 1000
STEPS = 20
SERIES_MAX = 300

names = st.sampled_from(
    ["calls", "errors", "calls,id=a", "calls,id=b,zone=z1", "calls,zone=z1,id=b"]
)
amounts = st.integers(0, 1000)
counts = st.tuples(st.sampled_from("cCtTdD"), names, amounts, st.integers(0, 400))
rubbish = st.sampled_from(["", "c:calls", "c:calls:x", "::", "x:calls:1", "c:calls,id:1", "\x00"])


def new_intake(ttl_ms: int = 900_000) -> tuple[MemoryStore, Intake]:
    store = MemoryStore(StoreConfig(STEP_MS, 60_000, 3_600_000))
    return store, Intake(store, MeterSettings(ttl_ms=ttl_ms), NOW_MS)


def totals(store: MemoryStore) -> Counter[tuple[str, str]]:
    """The sum over time of every series, by name and statistic: values are per second, of 1 s."""
    context = EvalContext(NOW_MS, NOW_MS + (STEPS + 2) * STEP_MS, STEP_MS)
    lines = evaluate(store, [All(TrueQuery())], context)[0]
    found: Counter[tuple[str, str]] = Counter()
    for tags, values in zip(lines.tags, lines.values, strict=True):
        if tags["statistic"] != "max":
            found[tags["name"], tags["statistic"]] += float(np.nansum(values))
    return found


@given(
    st.lists(counts, max_size=60),
    st.lists(rubbish, max_size=5),
    st.sampled_from([2000, 900_000]),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60)
def test_sums_are_what_was_sent(lines, wrong, ttl_ms, order):
    """However lines are split over datagrams and steps, beside whatever rubbish."""
    wanted: Counter[tuple[str, str]] = Counter()
    last: dict[tuple[str, ...], int] = {}
    store, intake = new_intake(ttl_ms)
    timed = sorted(lines, key=lambda line: line[3])
    for letter, name, grown, tick in timed:
        now_ms = NOW_MS + tick * 50
        identity = tuple(sorted(name.split(",")))
        amount = grown + (last.get(identity, 0) if letter == "C" else 0)
        text = [f"{letter}:{name}:{amount}", *order.sample(wrong, order.randint(0, len(wrong)))]
        order.shuffle(text)
        intake.take("\n".join(text).encode(), now_ms)
        plain = name.partition(",")[0]
        if letter == "c":
            wanted[plain, "count"] += amount
        elif letter == "C":
            last[identity] = amount
        else:
            total = "totalTime" if letter in "tT" else "totalAmount"
            wanted[plain, "count"] += 1
            wanted[plain, total] += amount
            wanted[plain, "totalOfSquares"] += amount**2
            wanted[plain, "percentile"] += letter in "TD"
    while intake.end_ms <= NOW_MS + (STEPS + 1) * STEP_MS:
        intake.advance(intake.end_ms)
    found = totals(store)
    if ttl_ms == 900_000:
        wanted += _monotonic(timed)
    elif any(letter == "C" for letter, *_ in lines):
        return  # what one has grown while it was forgotten is lost
    assert {k: v for k, v in found.items() if v} == pytest.approx(
        {k: v for k, v in wanted.items() if v}
    )
    assert intake.stats().line_count == len(lines)


def _monotonic(lines: list[tuple[str, str, int, int]]) -> Counter[tuple[str, str]]:
    """What monotonic counters have grown by since their first line; each line adds its amount."""
    grown: Counter[tuple[str, str]] = Counter()
    seen: set[tuple[str, ...]] = set()
    for letter, name, amount, _ in lines:
        identity = tuple(sorted(name.split(",")))
        if letter == "C" and identity in seen:
            grown[name.partition(",")[0], "count"] += amount
        if letter == "C":
            seen.add(identity)
    return grown


@given(st.lists(st.binary(max_size=60), max_size=20), st.integers(0, 2**32))
@settings(max_examples=60)
def test_how_lines_are_split_over_datagrams_does_not_matter(lines, seed):
    rng = random.Random(seed)
    lines += [b"c:calls:1", b"g:load:2", b"T:wait:0.1"]
    rng.shuffle(lines)
    whole_store, whole = new_intake()
    whole.take(b"\n".join(lines), NOW_MS + 1)
    parted_store, parted = new_intake()
    for line in lines:
        parted.take(line, NOW_MS + 1)
        parted.stats()
    for intake in (whole, parted):
        intake.advance(NOW_MS + STEP_MS)
    assert whole.stats() == parted.stats()
    assert totals(whole_store) == pytest.approx(totals(parted_store), nan_ok=True)


PIECES = [
    b"c", b"C", b"g", b"m", b"t", b"T", b"d", b"D", b"A", b"X", b"U", b"S", b"z", b":", b",", b"=",
    b"\n", b"1", b"0", b"-1", b"1e400", b"nan", b"inf", b"1_0", b" ", b"\x00", b"\xff\xc3",
    b"name", b"aa=bb", b"statistic=max", b"percentile=T0001", b"nf.app=x", b"nf.what=x",
    b"atlas.dstype=rate", b"1641600000000", b"YWJj", b"x" * 300, b"99999999999999999999",
]  # fmt: skip


def test_random_datagrams_neither_break_nor_fill_the_store():
    limits = StoreLimits(series_count_max=SERIES_MAX)
    store = MemoryStore(StoreConfig(STEP_MS, 60_000, 3_600_000, limits))
    settings = MeterSettings(ttl_ms=5000, series_count_max=SERIES_MAX, age_gauge_count_max=5)
    intake = Intake(store, settings, NOW_MS)
    rng, now_ms, sent = random.Random(SEED), NOW_MS, 0
    until_s = time.monotonic() + SECONDS
    while time.monotonic() < until_s:
        now_ms += rng.choice([0, 1, 300, 900])
        pieces = rng.choices(PIECES, k=rng.randrange(40))
        meter = b"%b:n.%d:%b" % (rng.choice(PIECES), rng.randrange(1000), rng.choice(PIECES))
        text = b"".join(pieces) + b"\n" + meter + b"\nc:good.one:1"
        intake.take(text, now_ms)
        sent += 1
        assert intake.stats().series_count <= SERIES_MAX
        assert store.index.series_count <= SERIES_MAX
    assert set(intake.stats().refused) <= set(REASONS)
    assert intake.stats().line_count >= sent or intake.stats().refused["meters"]
    assert math.isfinite(store.stats().used_bytes)
