"""A fault that takes a while to be seen has the time that it says it needs, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaosctl.experiment.model import Select, Step
from chaosctl.judge.verdict import Verdict
from monkeys.faults.region_evacuation import RegionEvacuation
from tests.simulated_run import ERRORS, STARTS, assert_clean, make_experiment, run
from tests.simulated_target import EPOCH_MS, SimulatedTarget, SimulatedWorld

FOR_MS = 20_000


@pytest.mark.parametrize(
    ("seen_after_s", "verdict"), [(8.0, Verdict.PASSED), (14.0, Verdict.INCONCLUSIVE)]
)
def test_a_region_has_more_time_to_be_left_than_an_instance_to_be_hit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen_after_s: float, verdict: Verdict
) -> None:
    world = SimulatedWorld(tmp_path)
    world.store.values = {STARTS: lambda _end, _hit: 0.995, ERRORS: lambda _end, _hit: 0.001}
    left = [False]
    world.at_event("injected", lambda: left.__setitem__(0, True), after_s=seen_after_s)
    world.at_event("remove", lambda: left.__setitem__(0, False))
    monkeypatch.setattr(
        SimulatedTarget,
        "kept_per_second",
        lambda _self, instances: dict.fromkeys((i.id for i in instances), 40.0 * (not left[0])),
    )
    region = Select({"region": ("us-east-1",)})
    result = run(world, make_experiment(method=(Step("region-evacuation", region, {}, FOR_MS),)))
    assert result.verdict is verdict, result.reason
    assert_clean(world, result)
    (record,) = [event["record"] for event in world.told("record")]
    (injected,) = world.told("inject")
    lasts_ms = FOR_MS + RegionEvacuation.seen_within_ms + 10_000
    assert record["deadline_ms"] - injected["t_ms"] - EPOCH_MS == pytest.approx(lasts_ms, abs=500)
