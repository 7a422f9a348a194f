"""What waits to be told to another region."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from demo_platform.evcache.changes import Change, ChangeQueue

A, B, C = (Change("app", key) for key in "abc")


def test_a_change_that_happens_often_is_told_once() -> None:
    queue = ChangeQueue()
    for now in (1.0, 2.0, 3.0):
        queue.add(A, now)
    assert [change for change, _ in queue.first(10)] == [A]
    assert queue.lag_s(5.0) == 4.0
    queue.told(queue.first(10))
    assert len(queue) == 0
    assert queue.lag_s(5.0) == 0.0


def test_a_change_while_it_is_on_its_way_is_told_again() -> None:
    queue = ChangeQueue()
    queue.add(A, 1.0)
    queue.add(B, 1.0)
    on_its_way = queue.first(10)
    queue.add(A, 2.0)
    queue.told(on_its_way)
    assert [change for change, _ in queue.first(10)] == [A]


def test_the_oldest_go_when_there_is_no_room() -> None:
    queue = ChangeQueue(changes_max=2)
    for change in (A, B, C):
        queue.add(change, 1.0)
    assert [change for change, _ in queue.first(10)] == [B, C]
    assert queue.dropped == 1


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.booleans()), max_size=40))
def test_nothing_that_has_changed_since_is_taken_for_told(steps: list[tuple[str, bool]]) -> None:
    queue, untold = ChangeQueue(), {}
    batch: list[tuple[Change, int]] = []
    taken: dict[str, int] = {}
    for number, (key, is_send) in enumerate(steps):
        if is_send:
            queue.told(batch)
            untold = {k: at for k, at in untold.items() if k not in taken or at > taken[k]}
            batch = queue.first(3)
            taken = {change.key: number for change, _ in batch}
        else:
            queue.add(Change("app", key), float(number))
            untold[key] = number
    assert {change.key for change, _ in queue.first(99)} == set(untold)
