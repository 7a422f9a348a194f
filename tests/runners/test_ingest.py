"""Wire formats in, as tests/data/ingest says: a body (`.in`) and what comes of it (`.json`).

`.json` holds what is taken and refused, or the error, and afterwards the values of every series by
the seconds since the day's start. The clock stands an hour into that day; data may be an hour old.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from atlas import AtlasError
from atlas.eval.evaluate import evaluate
from atlas.expr.data_expr import All
from atlas.expr.query_expr import TrueQuery
from atlas.ingest.publish_json import JsonPublisher
from atlas.model import EvalContext
from atlas.store.memory import MemoryStore, StoreConfig

DATA = Path(__file__).parent.parent / "data" / "ingest"
DAY_MS = 1_641_600_000_000
HOUR_MS = 3_600_000
CONFIG = StoreConfig(step_ms=60_000, max_age_ms=HOUR_MS, keep_ms=2 * HOUR_MS)
PUBLISHERS = {"publish_json": JsonPublisher}
CASES = sorted(DATA.rglob("*.in"))


def outcome(path: Path, times: int) -> dict[str, object]:
    store = MemoryStore(CONFIG)
    publisher = PUBLISHERS[path.parent.name](store)
    result = {}
    for _ in range(times):
        try:
            found = publisher.publish(path.read_bytes(), DAY_MS + HOUR_MS)
        except AtlasError as error:
            result = {"error": error.message}
        else:
            result = {"taken": found.accepted_count, "refused": list(found.reasons)}
    return {**result, "series": series(store)}


def series(store: MemoryStore) -> dict[str, dict[str, float]]:
    context = EvalContext(DAY_MS, DAY_MS + 2 * HOUR_MS, 60_000)
    lines = evaluate(store, [All(TrueQuery())], context)[0]
    return {
        label: {str(i * 60): float(values[i]) for i in np.flatnonzero(~np.isnan(values)).tolist()}
        for label, values in zip(lines.labels, lines.values, strict=True)
    }


@pytest.mark.parametrize("path", CASES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_body(path):
    expected = json.loads(path.with_suffix(".json").read_text())
    assert outcome(path, 1) == expected


@pytest.mark.parametrize("path", CASES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_body_sent_again_is_answered_the_same(path):
    expected = json.loads(path.with_suffix(".json").read_text())
    again = outcome(path, 2)
    assert {k: v for k, v in again.items() if k != "series"} == {
        k: v for k, v in expected.items() if k != "series"
    }


def test_every_body_has_its_outcome():
    assert CASES
    assert {p.with_suffix(".json") for p in CASES} == set(DATA.rglob("*.json"))
