"""Runs tests/data/faults: each fault's parameters, records, effect, no-op and undo."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import yaml

from monkeys.errors import TargetFailed
from monkeys.faults import FAULTS, check_fault, make_fault
from monkeys.selection import matches
from tests.simulated_target import SimulatedTarget, VirtualTime

DATA = Path(__file__).resolve().parent.parent / "data" / "faults"
FILES = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(DATA.glob("*.yaml"))}
DEADLINE_MS = 20_000


def cases(kind):
    return [
        pytest.param(name, case, id=f"{name}-{case['with']}")
        for name, data in FILES.items()
        for case in data[kind]
    ]


ACCEPTED = pytest.mark.parametrize(("name", "case"), cases("accepts"))


class Bed:
    """A fault in hand, a simulated target, and the instances it is for."""

    def __init__(self, name, case):
        self.target = SimulatedTarget(VirtualTime())
        self.fault = make_fault(name, check_fault(name, case["with"])[0])
        self.chosen = [i for i in self.target.instances() if matches(i, FILES[name]["select"])]
        assert self.chosen
        self.before = self.look()
        ids = map("r{}".format, itertools.count())
        self.records = self.fault.prepare(self.chosen, "simulated", lambda: next(ids), DEADLINE_MS)

    def look(self):
        return self.fault.look(self.chosen, self.target)

    def inject(self):
        for record in self.records:
            self.target.inject(record)

    def undo(self):
        for record in reversed(self.records):
            self.target.undo(record)

    def took_effect(self):
        return set(self.fault.took_effect(self.before, self.look()).values())

    def was_removed(self):
        return set(self.fault.was_removed(self.before, self.look()).values())


def test_every_fault_has_its_data():
    assert set(FILES) == set(FAULTS)


@pytest.mark.parametrize("name", FILES)
def test_summary(name):
    assert FAULTS[name].name == name
    assert FAULTS[name].summary == FILES[name]["summary"]


@ACCEPTED
def test_parameters_become_fields(name, case):
    fields, errors = check_fault(name, case["with"])
    assert errors == ()
    plain = {key: _plain(value) for key, value in fields.items()}
    assert plain == case["fields"]


@pytest.mark.parametrize(("name", "case"), cases("refuses"))
def test_wrong_parameters_are_refused_with_the_fix(name, case):
    _, errors = check_fault(name, case["with"])
    assert [(error.what, error.fix) for error in errors] == [(case["what"], case["fix"])]


@ACCEPTED
def test_needs(name, case):
    assert sorted(Bed(name, case).fault.needs) == case["needs"]


@ACCEPTED
def test_records_are_complete_and_in_order(name, case):
    bed = Bed(name, case)
    told = [
        {"mechanism": r.mechanism, "deadline": r.deadline_ms == DEADLINE_MS, "detail": r.detail}
        for r in bed.records
    ]
    assert told == case["records"]
    assert all(list(r.instances) == bed.chosen for r in bed.records)
    assert all(r == type(r).from_json(r.as_json()) for r in bed.records)


@ACCEPTED
def test_the_effect_is_seen_and_undone_and_undo_twice_is_once(name, case):
    bed = Bed(name, case)
    assert bed.took_effect() == {False}
    bed.inject()
    assert bed.took_effect() == {True}
    stays = case.get("stays", FILES[name].get("stays", False))
    assert bed.was_removed() == {stays}
    for _ in range(2):
        bed.undo()
        assert bed.was_removed() == {True}
        assert bed.took_effect() == {stays}
    assert bed.target.in_force == {}


@ACCEPTED
def test_a_target_that_does_nothing_is_never_believed(name, case):
    bed = Bed(name, case)
    bed.target.is_deaf = True
    bed.inject()
    assert bed.took_effect() == {False}


@ACCEPTED
def test_undo_after_a_failed_injection_leaves_nothing(name, case):
    bed = Bed(name, case)
    *done, last = bed.records
    for record in done:
        bed.target.inject(record)
    bed.target.inject_error = "it resists"
    with pytest.raises(TargetFailed):
        bed.target.inject(last)
    bed.undo()
    assert bed.target.in_force == {}
    assert bed.was_removed() == {True}


@ACCEPTED
def test_what_was_not_well_before_is_never_confirmed(name, case):
    bed = Bed(name, case)
    bed.target.killed |= {each.id for each in bed.chosen}
    bed.before = bed.look()
    bed.inject()
    assert bed.took_effect() == {False}


def _plain(value):
    if isinstance(value, dict):
        return {key: list(words) for key, words in value.items()}
    return value
