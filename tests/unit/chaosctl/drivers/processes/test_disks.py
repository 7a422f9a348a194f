"""Which disks may be filled, and that only their filling is taken out again."""

from __future__ import annotations

import os

from chaosctl.drivers.processes import disks


def mounts_of(folder, device):
    """What the kernel would say to whoever sees a file system of this device."""
    path = folder / "mountinfo"
    path.write_text(f"25 1 {os.major(device)}:{os.minor(device)} / /x rw - tmpfs tmpfs rw\n")
    return path


def test_a_disk_that_the_machine_sees_is_never_filled(tmp_path):
    assert not disks.is_own(tmp_path)
    assert not disks.is_own(tmp_path, mounts=mounts_of(tmp_path, tmp_path.stat().st_dev))


def test_a_disk_that_is_large_is_never_filled(tmp_path, monkeypatch):
    elsewhere = mounts_of(tmp_path, os.makedev(9999, 1))
    monkeypatch.setattr(disks, "SIZE_BYTES_MAX", 1)
    assert not disks.is_own(tmp_path, mounts=elsewhere)
    monkeypatch.setattr(disks, "SIZE_BYTES_MAX", 2**62)
    assert disks.is_own(tmp_path, mounts=elsewhere)


def test_a_disk_is_gone_with_its_world(tmp_path):
    assert disks.place_of(2**22 + 1, 1, str(tmp_path)) is None
    assert disks.place_of(os.getpid(), 1, str(tmp_path)) is None
    assert disks.place_of(0, 0, "") is None


def test_only_the_records_own_filling_is_taken_out(tmp_path):
    (tmp_path / "data").write_text("kept")
    (tmp_path / ".chaosctl-r2").write_text("another's")
    (tmp_path / ".chaosctl-r1").write_text("ours")
    for _ in range(2):
        disks.empty(tmp_path, "r1")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".chaosctl-r2", "data"]


def test_a_disk_that_is_full_enough_is_left_alone(tmp_path):
    disks.fill(tmp_path, "r1", 0.0)
    assert list(tmp_path.iterdir()) == []
