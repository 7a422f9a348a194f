"""Which instances are left alone, and for how long."""

import pytest

from demo_platform.resilience.outlier_ejection import EjectionRule, OutlierEjection

RULE = EjectionRule(first_s=1.0, max_s=4.0, timeouts=2, probe_s=2.0)


@pytest.fixture
def ejection() -> OutlierEjection:
    return OutlierEjection(RULE)


def test_leaves_a_stranger_available(ejection: OutlierEjection) -> None:
    assert ejection.is_available("i-1", 0.0)


def test_ejects_at_once_when_there_is_no_connection(ejection: OutlierEjection) -> None:
    ejection.note_unreachable("i-1", 10.0)
    assert not ejection.is_available("i-1", 10.9)
    assert ejection.is_available("i-1", 11.0)
    assert ejection.is_available("i-2", 10.0)


def test_ejects_only_at_the_second_time_out_in_a_row(ejection: OutlierEjection) -> None:
    ejection.note_timeout("i-1", 10.0)
    assert ejection.is_available("i-1", 10.0)
    ejection.note_answer("i-1")
    ejection.note_timeout("i-1", 10.1)
    assert ejection.is_available("i-1", 10.1)
    ejection.note_timeout("i-1", 10.2)
    assert not ejection.is_available("i-1", 10.2)


def test_tells_how_many_are_left_alone(ejection: OutlierEjection) -> None:
    ejection.note_unreachable("i-1", 10.0)
    ejection.note_timeout("i-2", 10.0)
    assert ejection.ejected() == 1
    ejection.note_answer("i-1")
    assert ejection.ejected() == 0


def test_doubles_the_time_up_to_its_maximum(ejection: OutlierEjection) -> None:
    now, lasted = 0.0, []
    for _ in range(4):
        ejection.note_unreachable("i-1", now)
        back = next(t for t in range(1, 99) if ejection.is_available("i-1", now + t))
        lasted.append(back)
        now += back
    assert lasted == [1, 2, 4, 4]


def test_counts_many_failures_of_one_moment_once(ejection: OutlierEjection) -> None:
    for _ in range(50):
        ejection.note_unreachable("i-1", 10.0)
    assert ejection.is_available("i-1", 11.0)


def test_lets_one_call_through_on_probation(ejection: OutlierEjection) -> None:
    ejection.note_unreachable("i-1", 10.0)
    ejection.note_chosen("i-1", 11.0)
    assert not ejection.is_available("i-1", 11.1)
    assert ejection.is_available("i-1", 13.0)


def test_brings_an_instance_back_when_the_probe_is_answered(ejection: OutlierEjection) -> None:
    ejection.note_unreachable("i-1", 10.0)
    ejection.note_chosen("i-1", 11.0)
    ejection.note_answer("i-1")
    ejection.note_chosen("i-1", 11.1)
    assert ejection.is_available("i-1", 11.1)


def test_ejects_at_the_first_time_out_on_probation(ejection: OutlierEjection) -> None:
    ejection.note_unreachable("i-1", 10.0)
    ejection.note_chosen("i-1", 11.0)
    ejection.note_timeout("i-1", 12.0)
    assert not ejection.is_available("i-1", 13.9)


def test_forgets_instances_that_left(ejection: OutlierEjection) -> None:
    ejection.note_unreachable("i-1", 10.0)
    ejection.forget_all_but(frozenset({"i-2"}))
    assert ejection.is_available("i-1", 10.0)
