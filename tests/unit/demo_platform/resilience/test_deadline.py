"""What is left of a deadline, hop by hop."""

import pytest

from demo_platform.resilience.deadline import deadline_from, header_for, left_for_hop


@pytest.mark.parametrize(
    ("header", "deadline"),
    [("500", 10.5), ("0", 10.0), ("-5", 9.995), (None, 13.0), ("soon", 13.0), ("", 13.0)],
)
def test_reads_what_is_left(header: str | None, deadline: float) -> None:
    assert deadline_from(header, now=10.0, default_s=3.0) == pytest.approx(deadline)


@pytest.mark.parametrize(
    ("deadline", "timeout_s", "left_s"),
    [(11.0, 0.3, 0.3), (10.2, 0.3, 0.19), (10.0, 0.3, -0.01), (9.0, 0.3, -1.01)],
)
def test_a_hop_takes_its_time_out_or_what_is_left(
    deadline: float, timeout_s: float, left_s: float
) -> None:
    assert left_for_hop(deadline, now=10.0, timeout_s=timeout_s) == pytest.approx(left_s)


def test_shrinks_with_each_hop_and_so_the_deepest_gives_up_first() -> None:
    left_s, seen = 1.0, []
    for _ in range(4):
        deadline = deadline_from(header_for(left_s), now=0.0, default_s=3.0)
        left_s = left_for_hop(deadline, now=0.0, timeout_s=9.0)
        seen.append(left_s)
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 4
