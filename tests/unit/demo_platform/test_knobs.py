"""A knob turned in one process is seen by all that were forked after it was made."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from demo_platform.knobs import NAMES, Knobs


def told_by_a_child(knobs: Knobs, then: Callable[[], None]) -> str:
    """Fork, do something in the parent, and only then let the child say what it sees."""
    read_go, go = os.pipe()
    answer, write_answer = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(read_go, 1)
        seen = f"{knobs.starts_per_second} {[n for n, on in knobs.switches().items() if on]}"
        os.write(write_answer, seen.encode())
        os._exit(0)
    then()
    os.write(go, b"g")
    os.waitpid(child, 0)
    said = os.read(answer, 200).decode()
    for fd in (read_go, go, answer, write_answer):
        os.close(fd)
    return said


def test_change_is_seen_across_fork() -> None:
    knobs = Knobs(starts_per_second=30.0)

    def turn() -> None:
        knobs.set("no-headroom", True)
        knobs.starts_per_second = 12.5

    assert told_by_a_child(knobs, turn) == "12.5 ['no-headroom']"


def test_all_are_off_at_first() -> None:
    assert Knobs(starts_per_second=1.0).switches() == dict.fromkeys(NAMES, False)


@pytest.mark.parametrize("name", NAMES)
def test_switches_are_apart(name: str) -> None:
    knobs = Knobs()
    knobs.set(name, True)
    assert [other for other, on in knobs.switches().items() if on] == [name]
    assert knobs.starts_per_second == 0.0
    knobs.set(name, False)
    assert not knobs.is_on(name)


def test_unknown_switch_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Knobs().is_on("no-such-switch")


@pytest.mark.parametrize("rate", [-1.0, float("inf"), float("nan")])
def test_impossible_rate_is_refused(rate: float) -> None:
    knobs = Knobs(starts_per_second=3.0)
    with pytest.raises(ValueError, match="starts per second"):
        knobs.starts_per_second = rate
    assert knobs.starts_per_second == 3.0
