"""Guards: when they refuse, what they say, and that nothing is touched then."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaosctl.engine.guards import ask_capacity, ask_clock
from chaosctl.engine.result import RunResult
from chaosctl.engine.run import Setup, World, run_experiment
from chaosctl.experiment.calendars import FILE_BYTES_MAX, BadCalendar, read_calendar
from chaosctl.experiment.load import load
from chaosctl.experiment.model import (
    Comparison,
    Condition,
    Guards,
    Hours,
    Limit,
    ProbeSpec,
    StopCondition,
)
from chaosctl.judge.verdict import Verdict
from monkeys.faults import FAULTS
from monkeys.target import Capability, UndoRecord
from tests.simulated_run import ERRORS, assert_clean, make_experiment
from tests.simulated_target import EPOCH_MS, FOREVER, SimulatedWorld

DATA = Path(__file__).parents[3] / "data"
CLOCK = yaml.safe_load((DATA / "guards" / "clock.yaml").read_text())
SMALLEST = (DATA / "documents" / "good" / "smallest.yaml").read_text()
OUTAGE = StopCondition(
    "pages", Condition(Comparison.ABOVE, (Limit(0.5, False, "0.5"),)), "somebody is paged"
)
NIGHT = Guards(hours=Hours(22 * 60, 6 * 60, "22:00-06:00"), timezone="UTC")
"""The simulated clock begins at 06:13 of a Wednesday."""


@pytest.fixture
def world(tmp_path: Path) -> SimulatedWorld:
    made = SimulatedWorld(tmp_path)
    made.store.values[ERRORS] = lambda _end, _hit: 0.001
    return made


def run_with(
    world: SimulatedWorld, guards: Guards, *, machine: Guards | None = None, **changes: Any
) -> RunResult:
    about = {key: changes.pop(key) for key in ("expected", "make_probe") if key in changes}
    setup = Setup(
        experiment=make_experiment(guards=guards, **changes),
        document="title: Losing one zone\n",
        seed=1,
        faults=FAULTS,
        open_world=lambda _say: World(world.target, world.store, **about),
        listen=world.listen,
        machine_guards=(machine,) if machine else (),
        start_watchdog=world.start_watchdog,
    )
    return run_experiment(setup, world.context)


def refused(world: SimulatedWorld, result: RunResult, guard: str) -> str:
    """The reason, after a look that nothing was touched and that the journal names the guard."""
    assert (result.verdict, result.exit_code) == (Verdict.NOT_STARTED, 3)
    assert world.target.log == []
    assert_clean(world, result)
    assert world.told("guard")[-1]["guard"] == guard
    assert not world.told("guard")[-1]["ok"]
    assert f"guard '{guard}'" in result.reason
    return f"{result.reason} · {result.fix}"


def ms(written: datetime) -> int:
    return round(written.timestamp() * 1000)


@pytest.mark.parametrize("case", CLOCK, ids=lambda case: f"{case['at']} {case['guards']}")
def test_clock_allows_and_refuses_as_the_table_says(case: dict[str, Any]) -> None:
    document = SMALLEST + f"guards: {case['guards']}\n"
    guards = load(document, str(DATA / "guards" / "any.yaml"), FAULTS).guards
    at = datetime.fromisoformat(str(case["at"]))
    answers = list(ask_clock(guards, ms(at)))
    assert [answer.guard for answer in answers if not answer.ok] == case["refused-by"]
    again = {answer.again for answer in answers if not answer.ok}
    assert again == ({f"allowed again {case['again']}"} if case["refused-by"] else set())
    for answer in answers:
        if not answer.ok:  # and then they really do
            assert all(later.ok for later in ask_clock(guards, answer.again_ms))
            assert not all(before.ok for before in ask_clock(guards, answer.again_ms - 1000))


@pytest.mark.parametrize(
    "case", yaml.safe_load((DATA / "guards" / "bad_calendars.yaml").read_text())
)
def test_calendar_that_is_wrong_is_refused(tmp_path: Path, case: dict[str, str]) -> None:
    (tmp_path / "days.txt").write_text(case["text"])
    with pytest.raises(BadCalendar) as caught:
        read_calendar("days.txt", tmp_path)
    assert caught.value.what == case["what"]
    assert caught.value.fix


def test_calendar_that_is_too_large_or_no_text_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(BadCalendar, match=f"larger than {FILE_BYTES_MAX // 1_000_000} MB"):
        read_calendar("large", tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadCalendar, match="no text"):
        read_calendar("binary", tmp_path)


def test_hours_refuse_before_the_target_is_looked_at(world: SimulatedWorld) -> None:
    said = refused(world, run_with(world, NIGHT), "hours")
    assert "only 22:00-06:00, it is 06:13 UTC" in said
    assert "allowed again Wed 2026-02-25 22:00 UTC" in said
    assert not world.told("platform")


def test_guard_of_the_machine_holds_besides_the_documents_own(world: SimulatedWorld) -> None:
    day = replace(NIGHT, hours=Hours(6 * 60, 22 * 60, "06:00-22:00"))
    machine = replace(NIGHT, source="/etc/chaosctl/chaosctl.toml")
    said = refused(world, run_with(world, day, machine=machine), "hours")
    assert "of /etc/chaosctl/chaosctl.toml refuses" in said


def test_hours_that_end_during_the_baseline_refuse_the_fault(world: SimulatedWorld) -> None:
    minute = 6 * 60 + 13  # the warm-up begins in the last 40 s of it, the baseline ends after it
    guards = replace(NIGHT, hours=Hours(6 * 60, minute + 1, "06:00-06:14"))
    refused(world, run_with(world, guards, baseline_ms=50_000), "hours")
    assert world.told("baseline")


def test_budget_counts_the_runs_that_broke_something(world: SimulatedWorld) -> None:
    guards = Guards(per_day=2, timezone="UTC")
    assert run_with(world, guards).verdict is Verdict.PASSED
    refused_first = run_with(world, NIGHT)
    assert refused_first.verdict is Verdict.NOT_STARTED  # it does not count
    assert run_with(world, guards).verdict is Verdict.PASSED
    world.target.log.clear()
    world.watchdogs.clear()
    said = refused(world, run_with(world, guards), "budget")
    assert "2 of 2 runs of 'zone-outage' used today" in said
    assert "allowed again Thu 2026-02-26 00:00 UTC" in said
    other = run_with(world, guards, name="another")
    assert other.verdict is Verdict.PASSED
    world.time.now_s += 24 * 3600
    assert run_with(world, guards).verdict is Verdict.PASSED


def test_budget_in_all_counts_every_experiment(world: SimulatedWorld) -> None:
    guards = Guards(per_day_in_all=1, timezone="UTC")
    assert run_with(world, guards).verdict is Verdict.PASSED
    world.target.log.clear()
    world.watchdogs.clear()
    refused(world, run_with(world, guards, name="another"), "budget in all")


@pytest.mark.parametrize(
    ("expected", "what"),
    [
        ({"api": 5, "edge": 4}, ""),
        ({"api": 8, "edge": 4}, "api 4 of 8 up, at least 75% wanted"),
        ({"cache": 2}, "cache 0 of 2 up, at least 75% wanted"),
    ],
)
def test_capacity_wants_enough_of_each_service(
    world: SimulatedWorld, expected: dict[str, int], what: str
) -> None:
    result = run_with(world, Guards(min_healthy_ratio=0.75), expected=lambda: expected)
    if what:
        assert what in refused(world, result, "capacity")
    else:
        assert result.verdict is Verdict.PASSED


def test_capacity_does_not_count_what_is_listed_and_does_not_answer(world: SimulatedWorld) -> None:
    cut = tuple(i for i in world.target.instances() if i.service == "api")
    world.target.in_force["other"] = UndoRecord("other", "zone-outage", "demo", "nft", cut)
    (said,) = ask_capacity(Guards(min_healthy_ratio=0.5), world.target, {})
    assert not said.ok
    assert said.text == "api 0 of 4 up, at least 50% wanted"


def test_capacity_refuses_when_nobody_can_tell(world: SimulatedWorld) -> None:
    world.target.lacking = frozenset({Capability.SIGNAL, Capability.PROBE})
    (said,) = ask_capacity(Guards(min_healthy_ratio=0.5), world.target, {})
    assert not said.ok
    assert said.text == "target cannot say which of its instances are up"


def test_outage_refuses_while_it_is_true(world: SimulatedWorld) -> None:
    world.store.values["pages"] = lambda _end, _hit: 2.0
    said = refused(world, run_with(world, Guards(outage=(OUTAGE,))), "outage")
    assert "'somebody is paged above 0.5' is true: 2" in said


def test_outage_that_is_not_true_lets_the_run_go_on(world: SimulatedWorld) -> None:
    world.store.values["pages"] = lambda _end, _hit: 0.0
    assert run_with(world, Guards(outage=(OUTAGE,))).verdict is Verdict.PASSED


def test_outage_waits_for_the_first_data(world: SimulatedWorld) -> None:
    first_ms = EPOCH_MS + 8_000
    world.store.values["pages"] = lambda end, _hit: 0.0 if end > first_ms else float("nan")
    assert run_with(world, Guards(outage=(OUTAGE,))).verdict is Verdict.PASSED


@pytest.mark.parametrize("is_dead", [False, True])
def test_outage_refuses_when_it_cannot_be_told(world: SimulatedWorld, is_dead: bool) -> None:
    world.store.values["pages"] = lambda _end, _hit: float("nan")
    world.store.error = TimeoutError("no reply") if is_dead else None
    said = refused(world, run_with(world, Guards(outage=(OUTAGE,))), "outage")
    assert "no data of 'somebody is paged above 0.5'" in said
    assert ("no reply" in said) == is_dead


@dataclass(frozen=True, slots=True)
class Answer:
    value: float
    text: str


class Page:
    """A status page that is asked for over and over; says what it is told, or takes too long."""

    def __init__(self, world: SimulatedWorld, value: float, takes_s: float = 0.01) -> None:
        self.world, self.value, self.takes_s = world, value, takes_s

    def ask(self, timeout_s: float) -> Answer:
        self.world.target.time.spend(self.takes_s)
        if math.isnan(self.value):
            raise OSError("no such host")
        return Answer(self.value, f"within {timeout_s:g} s")


@pytest.mark.parametrize(
    ("value", "takes_s", "what"),
    [
        (1.0, 0.01, ""),
        (0.0, 0.01, "'page' says no: within 2 s"),
        (math.nan, 0.01, "'page' cannot be asked: no such host"),
        (1.0, FOREVER, "'page' cannot be asked: no answer in time"),
    ],
)
def test_probe_of_a_guard_must_say_yes(
    world: SimulatedWorld, value: float, takes_s: float, what: str
) -> None:
    page = Page(world, value, takes_s)
    guards = Guards(healthy=(("page", ProbeSpec("http", {}, timeout_ms=2000)),))
    result = run_with(world, guards, make_probe=lambda _spec: page)
    if what:
        assert what in refused(world, result, "healthy")
    else:
        assert result.verdict is Verdict.PASSED


@pytest.mark.parametrize("by", ["document", "machine"])
def test_leashed_run_is_planned_and_recorded_and_touches_nothing(
    world: SimulatedWorld, by: str
) -> None:
    leash = Guards(is_leashed=True, source=f"the {by}")
    guards, machine = (leash, None) if by == "document" else (Guards(), leash)
    result = run_with(world, guards, machine=machine)
    said = refused(world, result, "leash")
    assert f"allowed once 'leash' is taken out of the {by}" in said
    plan = json.loads((result.folder / "plan.json").read_text())
    assert plan["steps"]
    assert any("leash refuses now" in line for line in plan["guards"])
