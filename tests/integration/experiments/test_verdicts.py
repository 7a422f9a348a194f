"""The bundled experiments on the real platform: verdict, broken checks and why, as written down."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaosctl.context import Context
from chaosctl.engine.run import Setup, World, run_experiment
from chaosctl.engine.series import read_series
from chaosctl.experiment.load import bundled_names, load_bundled
from chaosctl.judge.verdict import UndoState, Verdict
from chaosctl.worlds import open_world
from monkeys.faults import FAULTS
from tests.expected_verdicts import (
    bundled_verdicts,
    chosen_third,
    has_reason,
    lesson_verdicts,
    lessons,
)
from tests.integration.bed import Bed, Said, made_bed
from tests.integration.observer.difference import settle, steady

pytestmark = [pytest.mark.integration, pytest.mark.verdicts, pytest.mark.timeout(180)]

EXPECTED = bundled_verdicts()
LESSONS = chosen_third(list(lessons()))
FLAWED = {name: want["passes-with"] for name, want in EXPECTED.items() if "passes-with" in want}
REPLACING_S = 5


class Deaf:
    """A target on which an injection does nothing; all else is the real one's."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def inject(self, record: Any) -> None:
        """Do nothing, except for settings, which are no fault."""
        if record.mechanism == "switches":
            self._target.inject(record)


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with made_bed() as made:
        made.up()
        yield made


def test_every_bundled_experiment_has_its_verdict_written_down() -> None:
    assert sorted(EXPECTED) == sorted(bundled_names())
    assert FLAWED


def agrees(said: Said, want: dict[str, Any]) -> dict[str, Any]:
    """The result, which has the verdict, the failed checks and the reasons that it should."""
    result = _result(said)
    assert result["verdict"] == want["verdict"], _story(said)
    assert result["undo"] == "clean"
    failed = [check["name"] for check in result["detail"]["checks"] if check["outcome"] == "fail"]
    assert failed == want["failed"], _story(said)
    detail = result["detail"]
    assert has_reason(detail, want.get("because", [])), detail["because"]
    return result


@pytest.mark.parametrize("name", EXPECTED)
def test_verdict_is_as_written_down(bed: Bed, name: str) -> None:
    want = EXPECTED[name]
    before = steady(bed.scope)
    said = bed.chaosctl("run", name, "--seed", "1", "--json")
    result = agrees(said, want)
    traffic = read_series(Path(result["folder"])).traffic
    ends = {(flow.caller, flow.service) for flow in traffic.flows}
    assert {("", "edge"), ("edge", "api"), ("api", "recs")} <= ends, traffic.trouble
    assert max(traffic.registered.values()) > 0
    assert settle(before, bed.scope, REPLACING_S)[0] == []


@pytest.mark.parametrize("name", FLAWED)
def test_flawed_one_passes_with_its_switch_set_right(bed: Bed, name: str) -> None:
    said = bed.chaosctl("run", name, "--seed", "1", "--json", "--set", FLAWED[name])
    assert _result(said)["verdict"] == "passed", _story(said)


@pytest.mark.parametrize("lesson", LESSONS)
def test_lesson_fails_with_its_flaw_and_passes_without(bed: Bed, lesson: str) -> None:
    before = steady(bed.scope)
    for name in (f"{lesson}-flawed", f"{lesson}-fixed"):
        said = bed.chaosctl("run", name, "--seed", "1", "--json")
        agrees(said, lesson_verdicts()[name])
    assert settle(before, bed.scope, REPLACING_S)[0] == []


# One of each mechanism; all of them in simulation: test_bundled_without_effect.py.
@pytest.mark.parametrize("name", ["kill-one", "latency-recs", "zone-outage"])
def test_without_effect_it_is_inconclusive(bed: Bed, name: str, tmp_path: Path) -> None:
    experiment = load_bundled(name)
    context = Context(env=bed.environment())
    connect = open_world(experiment, context, "")

    def deaf(say: Any) -> World:
        world = connect(say)
        return World(Deaf(world.target), world.store, world.about, world.settings, world.explain)

    before = steady(bed.scope)
    os.environ.update({k: v for k, v in context.env.items() if k.startswith("CHAOSCTL_")})
    result = run_experiment(Setup(experiment, "", 1, FAULTS, deaf), context)
    assert result.verdict is Verdict.INCONCLUSIVE, result.reason
    assert result.undo is UndoState.CLEAN
    assert "missing process" not in {r.kind for r in settle(before, bed.scope, REPLACING_S)[0]}


def _result(said: Said) -> dict[str, Any]:
    """The last JSON line of a run."""
    result: dict[str, Any] = json.loads(said.out.splitlines()[-1])
    return result


def _story(said: Said) -> str:
    """Verdict, reason and checks of a run, for a failed test."""
    result = _result(said)
    return json.dumps({key: result[key] for key in ("verdict", "reason", "detail")}, indent=1)
