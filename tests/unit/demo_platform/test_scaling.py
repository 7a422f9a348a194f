"""Suspensions by token, and the patience with a service that crashes."""

from __future__ import annotations

from demo_platform.scaling import (
    CRASH_DELAY_S_MAX,
    REPLACE_AFTER_S,
    CrashLoops,
    Death,
    Suspensions,
)

HERE = ("recs-us-east-1", "us-east-1a")
THERE = ("recs-us-east-1", "us-east-1b")
KILLED = Death(code=0, signal=9, lived_s=1.0)
CRASHED = Death(code=1, signal=0, lived_s=0.2)


def test_place_is_covered_until_the_last_token_lets_go() -> None:
    suspensions = Suspensions()
    suspensions.suspend("one", [HERE])
    suspensions.suspend("two", [HERE, THERE])
    suspensions.release("one")
    assert suspensions.covers(HERE)
    suspensions.release("two")
    assert not suspensions.covers(HERE)


def test_release_takes_back_only_its_own_and_twice_is_once() -> None:
    suspensions = Suspensions()
    suspensions.suspend("one", [HERE])
    suspensions.suspend("two", [THERE])
    for _ in range(2):
        suspensions.release("one")
    suspensions.release("never given")
    assert suspensions.as_dict() == {"two": [{"group": THERE[0], "zone": THERE[1]}]}


def test_suspending_again_under_a_token_replaces_what_it_held() -> None:
    suspensions = Suspensions()
    suspensions.suspend("one", [HERE])
    suspensions.suspend("one", [THERE])
    assert not suspensions.covers(HERE)
    assert suspensions.covers(THERE)


def test_killed_instance_is_replaced_soon_however_often() -> None:
    loops = CrashLoops()
    assert {loops.delay_s_after("recs", KILLED) for _ in range(20)} == {REPLACE_AFTER_S}
    assert not loops.problems()


def test_crashing_service_is_backed_off_to_a_bound_and_reported() -> None:
    loops = CrashLoops()
    delays = [loops.delay_s_after("recs", CRASHED) for _ in range(40)]
    assert delays[:3] == [1.5, 3.0, 6.0]
    assert delays[-1] == CRASH_DELAY_S_MAX
    assert loops.problems() == {
        "recs": "crashed 40 times in a row, last exited with code 1 after 0.2 s"
    }


def test_one_crash_is_no_problem_yet() -> None:
    loops = CrashLoops()
    loops.delay_s_after("recs", CRASHED)
    assert not loops.problems()


def test_long_life_or_work_done_ends_a_crash_loop() -> None:
    loops = CrashLoops()
    for _ in range(5):
        loops.delay_s_after("recs", CRASHED)
    assert loops.delay_s_after("recs", Death(1, 0, lived_s=60.0)) == REPLACE_AFTER_S
    for _ in range(5):
        loops.delay_s_after("api", CRASHED)
    loops.forget("api")
    assert not loops.problems()


def test_segmentation_fault_is_a_crash_and_a_kill_is_none() -> None:
    assert Death(0, 11, 1.0).is_crash
    assert not Death(0, 9, 1.0).is_crash
    assert not Death(0, 15, 1.0).is_crash
