"""When a platform that has just been started is said to be ready."""

from __future__ import annotations

import time

import pytest

from chaosctl import demo
from chaosctl.control import NotUp
from chaosctl.errors import StoreSilent, TargetUnreachable


class ScriptedStore:
    """Answers with one list of shares after the other, and then with the last for ever."""

    def __init__(self, *answers: list[float] | None) -> None:
        self.answers = list(answers)

    def fetch(self, queries, start_ms, end_ms, timeout_s):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise StoreSilent("no answer", where="store", fix="wait")
        (query,) = queries
        return {query: {end_ms - 1000 * back: share for back, share in enumerate(answer)}}


@pytest.fixture
def said(monkeypatch):
    monkeypatch.setattr(demo, "SETTLE_SECONDS_MAX", 0.5)
    return []


def test_settled_once_nearly_all_starts_succeed(said):
    store = ScriptedStore(None, [], [1.0], [1.0, 0.5, 1.0], [1.0, 0.99, 0.97])
    demo.wait_until_settled(store, said.append, 1.0)
    assert len(said) == 1
    assert len(store.answers) == 1


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ([0.96, 1.0, 1.0], "in 3 steps 96% succeed"),
        ([1.0, 1.0], "in 2 steps 100% succeed"),
        (None, "in 0 steps 0% succeed"),
    ],
)
def test_platform_that_does_not_settle_is_said(said, answer, found):
    begun = time.monotonic()
    demo.wait_until_settled(ScriptedStore(answer), said.append, 1.0)
    assert time.monotonic() - begun >= 0.5
    assert f"starts have not settled: {found} at worst" in said[-1]


class LateControl:
    """Does not answer for a while, and then says that all are up."""

    def __init__(self, answers_after_s: float) -> None:
        self.from_s = time.monotonic() + answers_after_s

    def platform(self):
        if time.monotonic() < self.from_s:
            raise NotUp("demo")
        return {"state": "ready", "instances": []}


class LivingKeeper:
    def poll(self):
        return None


@pytest.mark.parametrize(("answers_after_s", "times"), [(0.0, 1.0), (0.1, 4.0), (0.2, 5.0)])
def test_a_slow_machine_gets_more_time_and_is_told_so(
    monkeypatch, tmp_path, answers_after_s, times
):
    said, control = [], LateControl(answers_after_s)
    monkeypatch.setattr(demo, "USUAL_ANSWER_S", 0.025)
    monkeypatch.setattr(demo, "START_SECONDS_MAX", 0.25)
    monkeypatch.setattr(demo, "Control", lambda _: control)
    monkeypatch.setattr(demo, "starts_per_second", lambda _: 0.0)
    begun = time.monotonic()
    with pytest.raises(TargetUnreachable) as caught:
        demo.wait_until_ready(demo.demo_paths(tmp_path), LivingKeeper(), said.append)
    assert time.monotonic() - begun >= times * 0.25 * 0.95
    told = [line for line in said if line.startswith("this machine takes ")]
    assert [float(line.split()[3]) >= times for line in told] == [True] * (times > 1)
    assert "still waiting for the first stream starts" in caught.value.what
