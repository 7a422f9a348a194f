"""What a node keeps on its disk, and what happens when it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo_platform.widecolumn.cells import deletion, insertion
from demo_platform.widecolumn.disk import PAGE_BYTES, TOMBSTONES_MAX, Disk, DiskFailed
from demo_platform.widecolumn.sample_data import MEMBERS, TITLES, sample_rows

NOW_S = 1_700_000_000.0
WHERE = ("titles", b"1", b"")
ANY = (b"", b"\xff" * 9)


def test_what_was_written_is_found_by_the_next_process(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "a.db")
    row = insertion({"name": "Quiet River"}, 5)
    disk.write(WHERE, row)
    left = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    disk.close()
    (tmp_path / "b").mkdir()  # as it lay there when the process was killed
    for name, data in left.items():
        (tmp_path / "b" / name).write_bytes(data)
    assert list(Disk(tmp_path / "b/a.db").rows()) == [(WHERE, row)]


def test_the_same_rows_are_there_from_the_start_for_the_same_seed() -> None:
    disks = [Disk(":memory:") for _ in range(3)]
    for disk, seed in zip(disks, (1, 1, 2), strict=True):
        disk.write(("titles", b"", b""), insertion({}, 9))
        disk.fill(sample_rows(seed))
        disk.fill(sample_rows(seed))
    first, same, other = ([*one.rows()] for one in disks)
    assert len(first) == MEMBERS + 2 * TITLES + 1
    assert first == same != other


def test_a_full_file_fails_writes_leaves_reads_and_recovers(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "a.db", pages_max=8)
    disk.write(WHERE, insertion({"name": "kept"}, 5))
    with pytest.raises(DiskFailed, match="disk full"):
        write_many(disk, 50)
    with pytest.raises(DiskFailed, match="disk full"):
        disk.fill((("t", b"", bytes([n])), insertion({"name": "x" * 900}, 1)) for n in range(50))
    assert disk.scan(("titles", b"1"), *ANY, 1, NOW_S)[0][0][1].live(NOW_S) == {"name": "kept"}
    count = len([*disk.rows()])
    disk.write(("titles", b"2", b"\0"), deletion(6, NOW_S - 10_000))
    assert disk.compact(("", b"", b""), 100, NOW_S) is None
    assert len([*disk.rows()]) == count - 1
    disk.write(("titles", b"3", b""), insertion({"name": "x" * 2000}, 5))


def test_of_rows_that_are_written_together_all_are_there_or_none(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "a.db", pages_max=8)
    small = [(("titles", bytes([n]), b""), insertion({"name": "x"}, 5)) for n in range(9)]
    disk.write_all(small)
    large = [(("titles", bytes([n]), b""), insertion({"name": "x" * 900}, 6)) for n in range(50)]
    with pytest.raises(DiskFailed, match="disk full"):
        disk.write_all(large)
    assert [*disk.rows()] == small
    disk.write_all(large[:2])
    assert [*disk.rows()] == large[:2] + small[2:]


def write_many(disk: Disk, count: int) -> None:
    for n in range(count):
        disk.write(("titles", b"2", bytes([n])), insertion({"name": "x" * PAGE_BYTES}, 5))


def test_a_read_over_too_many_tombstones_fails() -> None:
    disk = Disk(":memory:")
    rows = ((("titles", b"1", n.to_bytes(4, "big")), deletion(5, NOW_S)) for n in range(3000))
    disk.fill(rows)
    with pytest.raises(DiskFailed, match="too many tombstones"):
        disk.scan(("titles", b"1"), *ANY, 10, NOW_S)
    # Those that are past their grace count for nothing, even before they are gone.
    assert disk.scan(("titles", b"1"), *ANY, 10, NOW_S + 10_000) == ([], True)
    assert TOMBSTONES_MAX < 3000


def test_compaction_drops_what_is_long_dead_bit_by_bit() -> None:
    disk = Disk(":memory:")
    disk.fill(
        (("sessions", bytes([n]), b""), insertion({"plan": "x"}, 5, expires_s=NOW_S + n))
        for n in range(100)
    )
    after, rounds = ("", b"", b""), 0
    while (found := disk.compact(after, 30, NOW_S + 650)) is not None:
        after, rounds = found, rounds + 1
    assert rounds == 3
    assert len([*disk.rows()]) == 49


@pytest.mark.parametrize("path", ["no/such/folder.db", "."])
def test_a_file_that_cannot_be_opened_is_said(tmp_path: Path, path: str) -> None:
    with pytest.raises(DiskFailed, match="unable to open"):
        Disk(tmp_path / path)


def test_a_file_that_is_none_of_ours_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"something else" * 1000)
    with pytest.raises(DiskFailed, match="not a database"):
        Disk(tmp_path / "a.db")
