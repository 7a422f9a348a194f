"""Series that are split over stores answer, put together, what they answer in one store."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from atlas.asl import parse_exprs, parse_query
from atlas.eval.evaluate import evaluate
from atlas.ingest.samples import Samples, publish_samples
from atlas.model import EvalContext
from atlas.store.memory import MemoryStore, StoreConfig

NOW_MS = 1_641_600_000_000
STEP_MS, STEPS = 1000, 120
CONFIG = StoreConfig(STEP_MS, max_age_ms=200_000, keep_ms=400_000)
JOINED = {"sum": np.add, "count": np.add, "max": np.fmax, "min": np.fmin}
POINTS = st.lists(
    st.tuples(
        st.sampled_from(["aa", "bb"]),
        st.sampled_from("xyz"),
        st.integers(0, 9),
        st.integers(0, STEPS - 1),
        st.integers(-40, 400).map(lambda n: n / 4),
    ),
    max_size=60,
)


def store_of(points, *, is_packed):
    store = MemoryStore(CONFIG)
    tags = [
        {"name": name, "zone": zone, "node": str(node), "atlas.dstype": "gauge"}
        for name, zone, node, _, _ in points
    ]
    times = np.array([NOW_MS - (STEPS - 1 - at) * STEP_MS for *_, at, _ in points], np.int64)
    values = np.array([value for *_, value in points], np.float64)
    assert not publish_samples(store, Samples(tags, times, values), NOW_MS).refused_count
    if is_packed:
        store.pack(NOW_MS + 90_000)
    return store


def lines(store, program, width):
    step_ms = width * STEP_MS
    window = EvalContext(NOW_MS - (STEPS - width) * STEP_MS, NOW_MS + step_ms, step_ms)
    (styled,) = parse_exprs(program)
    found = evaluate(store, [styled.expr], window)[0]
    return {
        label: values
        for label, values in zip(found.labels, found.values, strict=True)
        if label != "NO DATA"
    }


def joined(function, parts):
    """Lines of the same label combined as the function combines series."""
    together: dict[str, np.ndarray] = {}
    for part in parts:
        for label, values in part.items():
            if label not in together:
                together[label] = values
                continue
            other = together[label]
            both = JOINED[function](np.nan_to_num(values), np.nan_to_num(other))
            if function in ("min", "max"):
                both = JOINED[function](values, other)
            together[label] = np.where(np.isnan(values) & np.isnan(other), np.nan, both)
    return together


@given(
    POINTS,
    st.lists(st.integers(0, 2), min_size=60, max_size=60),
    st.sampled_from([*JOINED]),
    st.sampled_from(["", ",(,zone,),:by", ",(,name,node,),:by"]),
    st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_aggregates_of_parts_make_the_aggregate_of_all(points, split, function, by, is_packed):
    owners = {series: split[i] for i, series in enumerate(sorted({p[:3] for p in points}))}
    whole = store_of(points, is_packed=is_packed[3])
    parts = [
        store_of([p for p in points if owners[p[:3]] == number], is_packed=is_packed[number])
        for number in range(3)
    ]
    program = f"name,[ab],:re,:{function}{by}"
    found = joined(function, [lines(part, program, 1) for part in parts])
    expected = lines(whole, program, 1)
    assert found.keys() == expected.keys()
    for label, values in expected.items():
        np.testing.assert_array_equal(found[label], values)


@given(POINTS, st.lists(st.integers(0, 1), min_size=60, max_size=60), st.sampled_from([1, 4, 60]))
def test_series_and_tags_of_parts_are_those_of_all(points, split, width):
    owners = {series: split[i] for i, series in enumerate(sorted({p[:3] for p in points}))}
    whole = store_of(points, is_packed=True)
    parts = [
        store_of([p for p in points if owners[p[:3]] == number], is_packed=False)
        for number in range(2)
    ]
    found = [lines(part, ":true,:all", width) for part in parts]
    assert not found[0].keys() & found[1].keys()
    expected = lines(whole, ":true,:all", width)
    assert {**found[0], **found[1]}.keys() == expected.keys()
    for label, values in expected.items():
        np.testing.assert_array_equal({**found[0], **found[1]}[label], values)
    query = parse_query("zone,y,:le")
    for key in ("name", "zone", "node"):
        values = {value for part in parts for value in part.index.values(key, query)}
        assert sorted(values) == list(whole.index.values(key, query))
