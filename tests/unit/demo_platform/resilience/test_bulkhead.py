"""How many calls a bulkhead lets in."""

from demo_platform.resilience.bulkhead import Bulkhead


def test_refuses_when_full_and_takes_again_when_one_leaves() -> None:
    bulkhead = Bulkhead(2)
    assert [bulkhead.enter() for _ in range(3)] == [True, True, False]
    bulkhead.leave()
    assert [bulkhead.enter() for _ in range(2)] == [True, False]
