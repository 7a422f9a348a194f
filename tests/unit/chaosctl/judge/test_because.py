"""The finder of causes, on a store of a few series."""

from __future__ import annotations

import itertools

import pytest

from atlas.asl import parse_query
from atlas.model import TimeSeries
from chaosctl.experiment.model import Check, Comparison, Condition, Limit
from chaosctl.judge.because import because, breach_span
from chaosctl.judge.hypothesis import judge_check
from chaosctl.judge.samples import Span

BASELINE, BROKEN = Span(0, 10_000), Span(10_000, 20_000)
RATIO = "name,starts,:eq,outcome,ok,:eq,:and,:sum,name,starts,:eq,:sum,:div"
HOLD = Condition(Comparison.AT_LEAST, (Limit(0.97, of_baseline=False, text="97%"),))


class FakeStore:
    """Series with one value before and one during the breach."""

    def __init__(self, *rows):
        self.rows = [({"name": name, **tags}, before, now) for name, before, now, tags in rows]
        self.questions = 0

    def keys(self, query):
        self.questions += 1
        chosen = [tags for tags, *_ in self.rows if parse_query(query).matches(tags)]
        return sorted({key for tags in chosen for key in tags})

    def fetch(self, query, start_ms, end_ms):
        self.questions += 1
        inner, _, rest = query.rpartition(",:sum,(,")
        key = rest.removesuffix(",),:by")
        chosen = [row for row in self.rows if parse_query(inner).matches(row[0]) and key in row[0]]
        chosen.sort(key=lambda row: row[0][key])
        return [
            self._line(key, value, list(rows))
            for value, rows in itertools.groupby(chosen, key=lambda row: row[0][key])
        ]

    def _line(self, key, value, rows):
        before, now = (sum(row[i] for row in rows) for i in (1, 2))
        values = (before,) * 10 + (now,) * 10
        return TimeSeries(value, {key: value}, 1000, 1000, values)


def texts(store, query=RATIO, **more):
    check = Check("c", query, HOLD)
    found = because(check, store.fetch, store.keys, baseline=BASELINE, broken=BROKEN, **more)
    return [finding.text() for finding in found]


def starts(failed_now, cause="playback", before=0.0, also=0.0):
    return [
        ("starts", 15, 15 - failed_now / 2, {"outcome": "ok", "cause": "none", "region": "east"}),
        ("starts", 15, 15 - failed_now / 2, {"outcome": "ok", "cause": "none", "region": "west"}),
        ("starts", before, failed_now, {"outcome": "failed", "cause": cause, "region": "east"}),
        ("starts", 0, also, {"outcome": "failed", "cause": "recs", "region": "west"}),
    ]


def test_because_names_the_cause_of_what_appeared():
    assert texts(FakeStore(*starts(3.1)))[0] == ("outcome=failed: cause=playback 100 % (0 → 3.1/s)")


def test_because_ranks_the_cause_above_the_place():
    found = texts(FakeStore(*starts(3.1, also=0.1)))
    assert found[0].startswith("outcome=failed: cause=playback 97 %")
    assert found[1].startswith("outcome=failed: region=east 97 %")


def test_because_needs_no_context_when_the_leaf_itself_appeared():
    store = FakeStore(
        ("requests", 0, 2, {"status": "5xx", "cause": "cache", "route": "home"}),
        ("requests", 0, 2, {"status": "5xx", "cause": "cache", "route": "play"}),
        ("requests", 0, 0, {"status": "5xx", "cause": "auth", "route": "play"}),
        ("requests", 0, 0, {"status": "5xx", "cause": "api", "route": "play"}),
    )
    found = texts(store, "name,requests,:eq,status,5xx,:eq,:and,:sum")
    assert found == ["status=5xx: cause=cache 100 % (0 → 4/s)"]


def test_because_tells_where_something_was_lost():
    store = FakeStore(
        ("starts", 15, 1, {"outcome": "ok", "region": "east", "cluster": "viewers-east"}),
        ("starts", 15, 15, {"outcome": "ok", "region": "west", "cluster": "viewers-west"}),
    )
    assert texts(store, "name,starts,:eq,:sum") == ["lost: region=east 100 % (15 → 1/s)"]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        starts(0),
        starts(0.05),  # a trifle
        starts(3.1, before=2.9),  # as bad before
    ],
)
def test_because_says_nothing_when_it_is_weak(rows):
    assert texts(FakeStore(*rows)) == []


def test_because_says_nothing_when_all_lose_alike():
    store = FakeStore(*(("starts", 15, 5, {"region": region}) for region in ("east", "west")))
    assert texts(store, "name,starts,:eq,:sum") == []


def test_because_stops_asking_when_it_is_late():
    store = FakeStore(*starts(3.1))
    assert texts(store, is_late=lambda: True) == []
    assert store.questions == 0


def test_because_asks_a_bounded_number_of_questions():
    tags = {f"key{i}": "a" for i in range(100)}
    store = FakeStore(("starts", 0, 5, tags), ("starts", 0, 5, dict.fromkeys(tags, "b")))
    texts(store)
    assert store.questions <= 80


def test_breach_span_begins_with_the_first_broken_step():
    samples = {"name,starts,:eq": {1000: 1.0, 2000: 0.2, 3000: 0.1}}
    check = Check("c", "name,starts,:eq", HOLD)
    state = judge_check(check, samples, start_ms=0, end_ms=3000, baseline=None)
    assert breach_span(state, 3500) == Span(1000, 3000)
    whole = judge_check(check, samples, start_ms=0, end_ms=1000, baseline=None)
    assert breach_span(whole, 3500) is None


def test_because_of_a_percentile_looks_at_requests_and_names_no_bucket():
    store = FakeStore(
        ("call", 50, 50, {"percentile": "T0060", "status": "ok", "zone": "a"}),
        ("call", 50, 50, {"percentile": "T0060", "status": "ok", "zone": "b"}),
        ("call", 0, 40, {"percentile": "T0086", "status": "late", "zone": "b"}),
        ("call", 0, 9000, {"statistic": "totalOfSquares", "status": "odd", "zone": "a"}),
    )
    found = texts(store, "name,call,:eq,(,99,),:percentiles")
    assert found == ["status=late: zone=b 100 % (0 → 40/s)"]
