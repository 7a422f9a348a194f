"""The fast ways through the store do what the plain ways do."""

from __future__ import annotations

import json
import math
import sys
from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from atlas.asl import parse_exprs
from atlas.eval.evaluate import evaluate
from atlas.expr.data_expr import All
from atlas.expr.query_expr import TrueQuery
from atlas.ingest.publish_json import JsonPublisher
from atlas.ingest.samples import Samples, publish_samples
from atlas.model import EvalContext
from atlas.store.memory import MemoryStore, StoreConfig

STEP_MS = 1000
NOW_MS = 1_641_600_000_000
CONFIG = StoreConfig(step_ms=STEP_MS, max_age_ms=200_000, keep_ms=400_000)
STEPS = 150
NUMBERS = st.one_of(st.integers(-5, 5).map(float), st.just(math.nan), st.just(math.inf))
SERIES = st.fixed_dictionaries(
    {"name": st.sampled_from(["aa", "bb"]), "zone": st.sampled_from(["x", "y"])},
    optional={"node": st.sampled_from(["1", "2", "3"])},
).map(lambda tags: {**tags, "atlas.dstype": "gauge"})
POINTS = st.lists(st.tuples(SERIES, st.integers(0, STEPS - 1), NUMBERS), min_size=1, max_size=60)
WINDOW = EvalContext(NOW_MS, NOW_MS + STEPS * STEP_MS, STEP_MS)


def filled(points) -> MemoryStore:
    store = MemoryStore(CONFIG)
    times = np.array([NOW_MS + at * STEP_MS for _, at, _ in points])
    values = np.array([value for _, _, value in points])
    result = publish_samples(store, Samples([t for t, _, _ in points], times, values), NOW_MS)
    assert result.accepted_count == len(points)
    return store


def plain(points) -> dict[tuple[tuple[str, str], ...], list[float]]:
    """Series by sorted tags: the largest value of each step."""
    series = defaultdict(lambda: [math.nan] * STEPS)
    for tags, at, value in points:
        row = series[tuple(sorted(tags.items()))]
        if not math.isnan(value):
            row[at] = value if math.isnan(row[at]) else max(row[at], value)
    return series


def plain_aggregate(function: str, rows: list[list[float]], width: int) -> list[float]:
    result = []
    for i in range(0, STEPS, width):
        columns = [[v for v in row[i : i + width] if not math.isnan(v)] for row in rows]
        found = [v for column in columns for v in column]
        slots = sum(any(not math.isnan(row[j]) for row in rows) for j in range(i, i + width))
        if not found:
            result.append(math.nan)
        elif function in ("min", "max"):
            extreme = {"min": min, "max": max}[function](found)
            # Joined steps are compared with the largest number there is, as in the original.
            is_beyond = width > 1 and function == "min" and extreme == math.inf
            result.append(sys.float_info.max if is_beyond else extreme)
        else:
            result.append((sum(found) if function == "sum" else len(found)) / slots)
    return result


@given(POINTS, st.sampled_from(["sum", "count", "min", "max"]), st.sampled_from([1, 2, 5, 30]))
def test_aggregate_is_what_a_loop_over_the_points_gives(points, function, width):
    store = filled(points)
    step_ms = width * STEP_MS
    # A longer step ends on its last point, so the window begins width − 1 points later.
    start_ms = NOW_MS + (width - 1) * STEP_MS
    window = EvalContext(start_ms, start_ms + STEPS * STEP_MS, step_ms)
    (styled,) = parse_exprs(f"name,aa,:eq,:{function},(,zone,),:by")
    lines = evaluate(store, [styled.expr], window)[0]
    groups = defaultdict(list)
    for tags, row in plain(points).items():
        if dict(tags)["name"] == "aa":
            groups[dict(tags)["zone"]].append(row)
    expected = {zone: plain_aggregate(function, rows, width) for zone, rows in groups.items()}
    expected = {z: v for z, v in expected.items() if not all(map(math.isnan, v))}
    found = {key[0]: values for key, values in zip(lines.keys, lines.values, strict=True)}
    assert found.keys() == expected.keys()
    for zone, values in expected.items():
        np.testing.assert_allclose(found[zone], values, rtol=1e-12)


CLAUSES = st.sampled_from(
    [
        "name,aa,:eq",
        "zone,x,:eq",
        "node,:has",
        "node,(,1,3,),:in",
        "zone,w,:gt",
        "node,[12],:re",
        ":true",
    ]
)
QUERIES = st.recursive(
    CLAUSES,
    lambda inner: st.one_of(
        inner.map(lambda q: f"{q},:not"),
        st.tuples(inner, inner, st.sampled_from(["and", "or"])).map(
            lambda t: f"{t[0]},{t[1]},:{t[2]}"
        ),
    ),
    max_leaves=5,
)


@given(POINTS, QUERIES)
def test_index_selects_what_the_query_matches(points, program):
    store = filled(points)
    query = parse_exprs(program)[0].expr.query
    found = {tuple(store.index.tags_of(row).items()) for row in store.index.select(query).tolist()}
    assert found == {tags for tags in plain(points) if query.matches(dict(tags))}


@st.composite
def sends(draw):
    """Bodies of one client: a few batches of series, each sent several times at growing times."""
    batches = draw(st.lists(st.lists(SERIES, min_size=1, max_size=5), min_size=1, max_size=3))
    kinds = draw(
        st.lists(st.sampled_from(["gauge", "rate", "sum", "counter"]), min_size=5, max_size=5)
    )
    bodies = []
    for i, batch in enumerate(draw(st.lists(st.sampled_from(batches), min_size=1, max_size=8))):
        off_ms = draw(st.sampled_from([0, 0, 300]))
        metrics = [
            {
                "tags": {**tags, "atlas.dstype": kind},
                "timestamp": NOW_MS + i * STEP_MS + off_ms,
                "value": draw(st.integers(0, 9)),
            }
            for tags, kind in zip(batch, kinds, strict=False)
        ]
        bodies.append(json.dumps({"tags": {"app": "a"}, "metrics": metrics}).encode())
    return bodies


def published(bodies, *, with_memory: bool):
    store = MemoryStore(CONFIG)
    publisher = JsonPublisher(store)
    for body in bodies:
        publisher = publisher if with_memory else JsonPublisher(store)
        publisher.publish(body, NOW_MS)
    lines = evaluate(store, [All(TrueQuery())], WINDOW)[0]
    return lines.labels, lines.values


@given(sends())
def test_remembered_batches_change_nothing(bodies):
    labels, values = published(bodies, with_memory=True)
    plain_labels, plain_values = published(bodies, with_memory=False)
    assert labels == plain_labels
    np.testing.assert_array_equal(values, plain_values)


class PlainRate:
    """The weighted mean of one series, a sample at a time, straight from the definition."""

    def __init__(self, heartbeat_ms: int) -> None:
        self.heartbeat_ms, self.last_ms, self.partial = heartbeat_ms, None, 0.0
        self.emitted: dict[int, float] = {}

    def update(self, t: int, value: float) -> None:
        if self.last_ms is not None and t <= self.last_ms:
            if t % STEP_MS == 0:
                self.emitted.setdefault(t, value)
            return
        if self.last_ms is not None and t - self.last_ms > self.heartbeat_ms:
            self.last_ms, self.partial = None, 0.0
        over = t % STEP_MS
        boundary = t - over
        if self.last_ms is None:
            self.emitted[boundary] = value * (STEP_MS - over) / STEP_MS
            self.partial = value * over / STEP_MS
        elif self.last_ms < boundary:
            into = self.last_ms % STEP_MS
            following = self.last_ms - into + STEP_MS
            self.emitted[following] = self.partial + value * (STEP_MS - into) / STEP_MS
            for later in range(following + STEP_MS, boundary + 1, STEP_MS):
                self.emitted[later] = value
            self.partial = value * over / STEP_MS
        else:
            self.partial += value * (t - self.last_ms) / STEP_MS
        self.last_ms = t


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 9)), min_size=1, max_size=12),
    st.booleans(),
)
def test_rate_of_a_batch_is_the_rate_of_one_sample_at_a_time(samples, in_one_batch):
    ticks = [(NOW_MS + at * 500, float(value)) for at, value in samples]
    store, expected = MemoryStore(CONFIG), PlainRate(STEP_MS)
    for part in [ticks] if in_one_batch else [[tick] for tick in ticks]:
        times, values = (np.array(column) for column in zip(*part, strict=True))
        publish_samples(store, Samples([{"name": "rr"}] * len(part), times, values), NOW_MS)
    for tick in ticks:
        expected.update(*tick)
    lines = evaluate(store, [All(TrueQuery())], WINDOW)[0]
    found = (
        {
            NOW_MS + i * STEP_MS: v
            for i, v in enumerate(lines.values[0].tolist())
            if not math.isnan(v)
        }
        if lines.count
        else {}
    )
    assert found == {t: v for t, v in expected.emitted.items() if not math.isnan(v)}
