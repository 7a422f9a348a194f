"""How many retries a budget allows."""

from demo_platform.resilience.retry import RetryBudget, backoff_s


def test_allows_a_share_of_the_calls_when_the_savings_are_spent() -> None:
    budget = RetryBudget(ratio=0.2, tokens_max=10.0)
    while budget.withdraw():
        pass
    retries = 0
    for _ in range(1000):
        budget.deposit()
        retries += budget.withdraw()
    assert 195 <= retries <= 200


def test_saves_no_more_than_its_maximum() -> None:
    budget = RetryBudget(ratio=0.2, tokens_max=3.0)
    for _ in range(1000):
        budget.deposit()
    assert [budget.withdraw() for _ in range(4)] == [True, True, True, False]


def test_backoff_doubles_up_to_its_maximum_and_is_never_more_than_the_jitter_says() -> None:
    assert [backoff_s(n, jitter=1.0) for n in (1, 2, 3, 4, 5)] == [0.05, 0.1, 0.2, 0.4, 0.5]
    assert backoff_s(4, jitter=0.25) == 0.1
