"""What a member asks for, in which order and when."""

import pytest

from demo_platform.members.intent import Intent
from demo_platform.members.visit import Stage, Visit

ALL = frozenset(stage.value for stage in Stage) - {"connect"}
TODAY = frozenset({"signin", "home", "play", "heartbeat"})


def intent(*, word: str = "river", watch_s: float = 17.0) -> Intent:
    return Intent(1, 7, "", 42, word, (1.0, 2.0, 3.0), watch_s)


def played(visit: Visit, *failing: str, step_s: float = 0.1) -> list[tuple[str, float]]:
    """Every step with its moment, when each takes so long and those named fail."""
    steps, now_s = [], 100.0
    step = visit.arrive(now_s)
    while step is not None:
        steps.append((step.stage.value, round(step.at_s - 100, 3)))
        now_s = max(now_s, step.at_s) + step_s
        step = visit.after(now_s, is_ok=step.stage not in failing)
    return steps


def test_goes_from_signing_in_to_the_end_of_the_stream() -> None:
    assert played(Visit(intent(), ALL)) == [
        ("signin", 0.0),
        ("home", 0.1),
        ("search", 1.2),
        ("title", 3.3),
        ("play", 6.4),
        ("heartbeat", 14.5),
        ("heartbeat", 22.5),
        ("stop", 23.5),
    ]


@pytest.mark.parametrize(
    ("word", "routes", "steps"),
    [
        ("", ALL, "signin home title play heartbeat heartbeat stop"),
        ("river", TODAY, "signin home play heartbeat heartbeat"),
    ],
)
def test_leaves_out_what_is_not_wanted_or_not_there(
    word: str, routes: frozenset[str], steps: str
) -> None:
    assert " ".join(stage for stage, _ in played(Visit(intent(word=word), routes))) == steps


@pytest.mark.parametrize(
    ("failing", "last"),
    [
        ("signin", "signin"),
        ("home", "stop"),
        ("search", "stop"),
        ("title", "stop"),
        ("play", "play"),
        ("heartbeat", "stop"),
        ("stop", "stop"),
    ],
)
def test_a_failure_ends_the_visit_where_it_decides(failing: str, last: str) -> None:
    visit = Visit(intent(), ALL)
    assert played(visit, failing)[-1][0] == last
    assert visit.is_streaming is (last == "stop")


def test_says_what_each_step_is_about() -> None:
    visit, bodies = Visit(intent(watch_s=8.5), ALL), {}
    step = visit.arrive(0.0)
    while step is not None:
        bodies[step.stage.value] = step.body
        step = visit.after(step.at_s, is_ok=True)
    about = {"member": 7, "title": 42}
    assert bodies == {
        **dict.fromkeys(("signin", "home", "title", "play"), about),
        "search": about | {"q": "river"},
        **dict.fromkeys(("heartbeat", "stop"), about | {"position_s": 8}),
    }


def test_who_watches_already_goes_on_watching() -> None:
    visit = Visit(intent(watch_s=10.0), ALL)
    step, steps = visit.resume(50.0, first_s=1.5), []
    while step is not None:
        steps.append((step.stage.value, step.at_s))
        step = visit.after(step.at_s, is_ok=True)
    assert steps == [("heartbeat", 51.5), ("heartbeat", 59.5), ("stop", 60.0)]


def test_who_has_seen_enough_already_asks_for_nothing_more() -> None:
    assert Visit(intent(watch_s=1.0), TODAY).resume(0.0, first_s=2.0) is None
