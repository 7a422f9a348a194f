"""What zones have missed."""

from __future__ import annotations

from demo_platform.evcache.fix_ups import FixUps


def test_every_entry_has_its_turn() -> None:
    fix_ups = FixUps()
    for n in range(5):
        fix_ups.note("a", b"%d" % n, 0.0)
    turns = [name for _ in range(3) for _, name in fix_ups.due(2, 1.0)]
    assert set(turns) == {b"0", b"1", b"2", b"3", b"4"}
    fix_ups.settle("a", b"3")
    fix_ups.settle("a", b"3")
    assert len(fix_ups) == 4


def test_only_so_many_are_remembered_and_only_for_so_long() -> None:
    fix_ups = FixUps(entries_max=2, keep_s=10.0)
    for n in range(3):
        fix_ups.note("a", b"%d" % n, float(n))
    assert fix_ups.due(9, 11.5) == [("a", b"2")]
    assert (len(fix_ups), fix_ups.dropped) == (1, 1)
