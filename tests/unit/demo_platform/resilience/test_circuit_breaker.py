"""When a circuit opens, lets one call through, and closes again."""

import pytest

from demo_platform.resilience.circuit_breaker import BreakerRule, CircuitBreaker

RULE = BreakerRule(window_s=10.0, volume=10, failed_ratio=0.5, sleep_s=2.0)


def breaker_after(outcomes: str, *, now: float = 100.0) -> CircuitBreaker:
    """A breaker that saw these outcomes, + for ok and - for failed."""
    breaker = CircuitBreaker(RULE)
    for outcome in outcomes:
        breaker.record(now, ok=outcome == "+")
    return breaker


@pytest.mark.parametrize(
    ("outcomes", "is_open"),
    [
        ("", False),
        ("-" * 9, False),
        ("-" * 10, True),
        ("+" * 100, False),
        ("+" * 6 + "-" * 4, False),
        ("+" * 5 + "-" * 5, True),
        ("-" * 9 + "+" * 9, False),
    ],
    ids=lambda value: value or "nothing" if isinstance(value, str) else None,
)
def test_opens_when_enough_calls_ended_and_half_of_them_failed(
    outcomes: str, is_open: bool
) -> None:
    assert breaker_after(outcomes).is_open is is_open


def test_forgets_failures_when_the_window_has_passed() -> None:
    breaker = breaker_after("-" * 9)
    breaker.record(111.0, ok=False)
    assert not breaker.is_open


def test_remembers_failures_within_the_window() -> None:
    breaker = breaker_after("-" * 9)
    breaker.record(108.0, ok=False)
    assert breaker.is_open


def test_refuses_while_open_and_lets_one_call_through_per_sleep_window() -> None:
    breaker = breaker_after("-" * 10)
    asked = [100.1, 101.9, 102.1, 102.2, 104.0, 104.2]
    assert [breaker.allows(now) for now in asked] == [False, False, True, False, False, True]


def test_closes_and_forgets_when_the_trial_succeeds() -> None:
    breaker = breaker_after("-" * 10)
    assert breaker.allows(102.5)
    breaker.record(102.6, ok=True)
    breaker.record(102.7, ok=False)
    assert not breaker.is_open
    assert breaker.allows(102.8)


def test_stays_open_when_the_trial_fails() -> None:
    breaker = breaker_after("-" * 10)
    assert breaker.allows(102.5)
    breaker.record(102.6, ok=False)
    assert not breaker.allows(102.7)
    assert breaker.allows(104.6)
