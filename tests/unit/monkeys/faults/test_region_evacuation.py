"""A region is left once it answers next to nothing itself, and back once it answers half."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from monkeys.errors import NotSupported
from monkeys.faults.region_evacuation import RegionEvacuation
from monkeys.target import Instance, Reading

FAULT = RegionEvacuation()


def read(per_second: float | None) -> dict[str, Reading]:
    return {"i-1": Reading(per_second=per_second)}


@pytest.mark.parametrize(
    ("before", "now", "is_left", "is_back"),
    [
        (100.0, 0.0, True, False),
        (100.0, 10.0, True, False),
        (100.0, 11.0, False, False),
        (100.0, 50.0, False, True),
        (100.0, None, False, False),
        (None, 0.0, False, True),
        (0.0, 0.0, False, True),
    ],
)
def test_is_judged_by_what_its_edges_do_not_pass_on(
    before: float | None, now: float | None, is_left: bool, is_back: bool
) -> None:
    assert FAULT.took_effect(read(before), read(now)) == {"i-1": is_left}
    assert FAULT.was_removed(read(before), read(now)) == {"i-1": is_back}


def test_who_is_not_seen_again_is_neither() -> None:
    assert FAULT.took_effect(read(9.0), {}) == {"i-1": False}
    assert FAULT.was_removed(read(9.0), {}) == {"i-1": False}


def test_each_region_is_left_by_a_record_of_its_own() -> None:
    chosen = [Instance(f"i-{n}", "api", "g", "ab"[n % 2], "z") for n in range(3)]
    ids = iter(("r0", "r1"))
    records = FAULT.prepare(chosen, "demo", lambda: next(ids), 7)
    told = [(r.id, r.detail["region"], [i.id for i in r.instances]) for r in records]
    assert told == [("r0", "a", ["i-0", "i-2"]), ("r1", "b", ["i-1"])]


def test_a_target_that_knows_no_regions_is_told_so() -> None:
    with pytest.raises(NotSupported, match="can be left"):
        FAULT.look([], SimpleNamespace(name="other"))  # type: ignore[arg-type]
