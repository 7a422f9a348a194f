"""Lines of spectatord's protocol in, datapoints out, as tests/data/spectatord/*.test says.

`step S`, `keep-meters S`, `common KEY=VALUE,…` and `percentiles-without KEY,…` are settings. `at S
LINES` takes a datagram at that second; `\\n` parts its lines. `end S` lets the time pass. Then all
in the store must be named: `series TAGS` with its values by the second of each step, what the lines
came to by `taken N` and `refused REASON=N …`, and by `store-refused` what the store did not take.
Seconds count from the start of 2022-01-08.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from atlas.eval.evaluate import evaluate
from atlas.expr.data_expr import All
from atlas.expr.query_expr import TrueQuery
from atlas.ingest.spectatord import Intake
from atlas.model import EvalContext
from atlas.settings import MeterSettings
from atlas.store.memory import MemoryStore, StoreConfig

DATA = Path(__file__).parent.parent / "data" / "spectatord"
DAY_MS = 1_641_600_000_000
CASES = sorted(DATA.glob("*.test"))


@dataclass
class Case:
    step_s: int = 60
    ttl_s: int = 900
    common: dict[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    datagrams: list[tuple[float, bytes]] = field(default_factory=list)
    end_s: float = 0
    series: dict[str, dict[int, float]] = field(default_factory=dict)
    taken: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    store_refused: dict[str, int] = field(default_factory=dict)

    def read(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "step":
            self.step_s = int(rest)
        elif word == "keep-meters":
            self.ttl_s = int(rest)
        elif word == "common":
            self.common = dict(pair.split("=") for pair in rest.split(","))
        elif word == "percentiles-without":
            self.without = tuple(rest.split(","))
        elif word == "at":
            second, _, text = rest.strip().partition(" ")
            lines = text.strip().encode().decode("unicode_escape").encode("latin-1")
            self.datagrams.append((float(second), lines))
        elif word == "end":
            self.end_s = float(rest)
        elif word == "series":
            tags, *values = rest.split()
            pairs = (value.split("=") for value in values)
            name = ",".join(sorted(tags.split(",")))
            self.series[name] = {int(s): float(v) for s, v in pairs}
        elif word == "taken":
            self.taken = int(rest)
        elif word in ("refused", "store-refused"):
            counts = dict(pair.split("=") for pair in rest.split())
            setattr(self, word.replace("-", "_"), {k: int(v) for k, v in counts.items()})
        else:
            raise AssertionError(f"unknown word '{word}'")


def case_of(path: Path) -> Case:
    case = Case()
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            case.read(line)
    return case


def run(case: Case) -> tuple[MemoryStore, Intake]:
    step_ms = case.step_s * 1000
    store = MemoryStore(StoreConfig(step_ms, 60_000, 4 * 3_600_000))
    settings = MeterSettings(
        ttl_ms=case.ttl_s * 1000, common_tags=case.common, percentiles_without=case.without
    )
    intake = Intake(store, settings, DAY_MS)
    for second, lines in case.datagrams:
        pass_steps(intake, DAY_MS + round(second * 1000))
        intake.take(lines, DAY_MS + round(second * 1000))
    pass_steps(intake, DAY_MS + round(case.end_s * 1000))
    return store, intake


def pass_steps(intake: Intake, until_ms: int) -> None:
    while intake.end_ms <= until_ms:
        intake.advance(intake.end_ms)


def series(store: MemoryStore, step_s: int) -> dict[str, dict[int, float]]:
    context = EvalContext(DAY_MS, DAY_MS + 3 * 3_600_000, step_s * 1000)
    lines = evaluate(store, [All(TrueQuery())], context)[0]
    found = {}
    for label, values in zip(lines.labels, lines.values, strict=True):
        name = ",".join(sorted(label.split(", ")))
        kept = np.flatnonzero(~np.isnan(values)).tolist()
        found[name] = {i * step_s: float(values[i]) for i in kept}
    return found


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_lines_become_datapoints(path):
    case = case_of(path)
    store, intake = run(case)
    found = series(store, case.step_s)
    assert set(found) == set(case.series)
    for name, values in case.series.items():
        assert found[name] == pytest.approx(values), name
    stats = intake.stats()
    assert stats.line_count == case.taken
    assert {k: v for k, v in stats.refused.items() if v} == case.refused
    assert dict(store.refused) == case.store_refused


def test_there_are_cases():
    assert len(CASES) > 10
