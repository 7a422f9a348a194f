"""What is believed of names that are broken, and of names that are well again."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from monkeys.errors import NotSupported
from monkeys.faults.dns_failure import DnsFailure
from monkeys.target import Answer, Instance, ProcessState, Reading, Resolution

ADDRESS, NO_NAME, NONE = Answer.ADDRESS, Answer.NO_NAME, Answer.NONE
WELL = (ADDRESS, 3.0)
LATE = {"answer": "late", "delay_ms": 400.0}
VERY_LATE = {"answer": "late", "delay_ms": 5000.0}


def read(found: tuple[Answer, float] | None) -> dict[str, Reading]:
    return {"i-1": Reading(resolution=None if found is None else Resolution(*found))}


@pytest.mark.parametrize(
    ("parameters", "before", "now", "is_seen", "is_well"),
    [
        ({}, WELL, (NONE, 3010.0), True, False),
        ({}, WELL, (NONE, 20.0), False, False),
        ({}, WELL, (NO_NAME, 20.0), False, False),
        ({}, WELL, (ADDRESS, 1005.0), False, True),
        ({"answer": "servfail"}, WELL, (NONE, 20.0), True, False),
        ({"answer": "servfail"}, WELL, (NONE, 3010.0), False, False),
        ({"answer": "nxdomain"}, WELL, (NO_NAME, 20.0), True, False),
        ({"answer": "nxdomain"}, WELL, (NONE, 20.0), False, False),
        (LATE, WELL, (ADDRESS, 404.0), True, False),
        (LATE, WELL, (ADDRESS, 250.0), False, False),
        (LATE, WELL, (ADDRESS, 40.0), False, True),
        (LATE, WELL, (NO_NAME, 404.0), False, False),
        (LATE, (ADDRESS, 1003.0), (ADDRESS, 1010.0), False, True),
        (VERY_LATE, WELL, (NONE, 3010.0), True, False),
        (VERY_LATE, WELL, (ADDRESS, 5.0), False, True),
        # Who found no name before cannot be said to have lost it.
        ({}, (NONE, 3010.0), (NONE, 3010.0), False, False),
        ({}, None, (NONE, 3010.0), False, False),
        ({}, WELL, None, False, False),
    ],
)
def test_is_judged_by_what_comes_of_a_look_up(
    parameters: dict[str, object],
    before: tuple[Answer, float] | None,
    now: tuple[Answer, float] | None,
    is_seen: bool,
    is_well: bool,
) -> None:
    fault = DnsFailure(**parameters)
    assert fault.took_effect(read(before), read(now)) == {"i-1": is_seen}
    assert fault.was_removed(read(before), read(now)) == {"i-1": is_well}


def test_who_is_gone_asks_for_no_name_any_more() -> None:
    gone = {"i-1": Reading(state=ProcessState.GONE)}
    assert DnsFailure().was_removed(read(WELL), gone) == {"i-1": True}
    assert DnsFailure().took_effect(read(WELL), gone) == {"i-1": False}


def test_a_target_that_looks_up_no_names_is_told_so() -> None:
    with pytest.raises(NotSupported, match="looks up names"):
        DnsFailure().look([], SimpleNamespace(name="other"))  # type: ignore[arg-type]


class BusyMachine:
    """A target on which each look-up takes as long as is said."""

    name = "busy"

    def __init__(self, *took_ms: float) -> None:
        self.took_ms = list(took_ms)

    def state(self, _instance: Instance) -> ProcessState:
        return ProcessState.RUNNING

    def resolve(self, instances: list[Instance]) -> dict[str, Resolution]:
        took_ms = self.took_ms.pop(0)
        return {each.id: Resolution(ADDRESS, took_ms) for each in instances}


@pytest.mark.parametrize(
    ("parameters", "took_ms", "seen_ms", "left"),
    [
        (LATE, (250.0, 4.0, 90.0, 1.0), 4.0, 1),
        (LATE, (900.0, 901.0, 1.0), 900.0, 1),
        (LATE, (1600.0, 1.0), 1600.0, 1),
        ({}, (3000.0, 1.0), 3000.0, 1),
    ],
)
def test_what_is_timed_is_timed_again_as_long_as_that_is_quick(
    parameters: dict[str, object], took_ms: tuple[float, ...], seen_ms: float, left: int
) -> None:
    target = BusyMachine(*took_ms)
    one = Instance("i-1", "api", "g", "r", "z")
    seen = DnsFailure(**parameters).look([one], target)  # type: ignore[arg-type]
    assert seen["i-1"].resolution == Resolution(ADDRESS, seen_ms)
    assert len(target.took_ms) == left
