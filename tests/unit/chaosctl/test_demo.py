"""When a platform that has just been started is said to be ready."""

from __future__ import annotations

import time

import pytest

from chaosctl import demo
from chaosctl.errors import StoreSilent


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
    demo.wait_until_settled(store, said.append)
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
    demo.wait_until_settled(ScriptedStore(answer), said.append)
    assert time.monotonic() - begun >= 0.5
    assert f"starts have not settled: {found} at worst" in said[-1]
