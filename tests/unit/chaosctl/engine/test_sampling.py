"""Sampling: what is asked when, and what counts as silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaosctl.engine.sampling import Sampler, StoreAnswer
from chaosctl.errors import StoreSilent
from chaosctl.experiment.model import Check
from tests.simulated_run import AT_LEAST_97
from tests.simulated_target import EPOCH_MS, FOREVER, SimulatedWorld

CHECK = Check("starts", "q", AT_LEAST_97)


@pytest.fixture
def world(tmp_path: Path) -> SimulatedWorld:
    return SimulatedWorld(tmp_path)


def sample_for(world: SimulatedWorld, sampler: Sampler, seconds: float) -> list[int]:
    settled = []
    until_s = world.time.now_s + seconds
    while world.time.now_s < until_s:
        sampler.ask_if_due()
        answer = world.time.get(min(sampler.due_in_s(), until_s - world.time.now_s))
        if isinstance(answer, StoreAnswer) and sampler.take(answer):
            settled.append(sampler.settled_ms)
    return settled


def test_sampler_settles_each_step_within_two(world: SimulatedWorld) -> None:
    sampler = Sampler(["q", "q"], world.store, world.context, world.time)
    settled = sample_for(world, sampler, 5)
    assert sampler.queries == ("q",)
    assert settled == list(range(settled[0], settled[0] + 6000, 1000))
    assert world.time.now_ms() - sampler.settled_ms <= 2500
    assert min(sampler.samples["q"]) <= EPOCH_MS - 8000


def test_sampler_takes_data_that_comes_late(world: SimulatedWorld) -> None:
    late_ms = EPOCH_MS // 1000 * 1000 + 3000
    world.store.values["q"] = lambda end, _hit: (
        float("nan") if end == late_ms and world.time.now_ms() < end + 3000 else 1.0
    )
    sampler = Sampler(["q"], world.store, world.context, world.time)
    sample_for(world, sampler, 4)
    assert late_ms not in sampler.samples["q"]
    sample_for(world, sampler, 4)
    assert late_ms in sampler.samples["q"]


def test_sampler_counts_silence_with_answers_and_without(world: SimulatedWorld) -> None:
    sampler = Sampler(["q"], world.store, world.context, world.time)
    sample_for(world, sampler, 3)
    assert sampler.silent_ms(CHECK, EPOCH_MS) == 0
    world.store.takes_s = FOREVER
    sample_for(world, sampler, 8)
    assert sampler.silent_ms(CHECK, EPOCH_MS) >= 5000


def test_sampler_asks_again_after_a_question_that_hangs(world: SimulatedWorld) -> None:
    sampler = Sampler(["q"], world.store, world.context, world.time)
    world.store.takes_s = FOREVER
    sample_for(world, sampler, 4)
    world.store.takes_s = 0.01
    assert sample_for(world, sampler, 3)
    assert sampler.silent_ms(CHECK, EPOCH_MS) == 0


def test_sampler_keeps_the_error_until_an_answer_is_well(world: SimulatedWorld) -> None:
    sampler = Sampler(["q"], world.store, world.context, world.time)
    world.store.error = StoreSilent("refused", fix="start it")
    assert sample_for(world, sampler, 3) == []
    assert str(sampler.error) == "refused"
    world.store.error = None
    sample_for(world, sampler, 2)
    assert sampler.error is None
