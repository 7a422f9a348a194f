"""Which step is published when."""

import pytest

from demo_platform.publisher import step_end_s


@pytest.mark.parametrize(
    ("last_s", "now_s", "ends_s"),
    [(10, 11.001, 11), (10, 10.999, 11), (10, 11.9, 11), (10, 12.0, 12), (10, 40.5, 40)],
    ids=["on time", "a hair early", "late", "a step missed", "after a stall"],
)
def test_goes_on_with_the_present(last_s: int, now_s: float, ends_s: int) -> None:
    assert step_end_s(last_s, now_s) == ends_s
