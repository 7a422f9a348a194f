"""Where an instance's files are without namespaces; with them: integration/demo/test_disks.py."""

from __future__ import annotations

import pytest

from demo_platform import disk
from demo_platform.topology import InstanceSpec


def spec(name, volume=""):
    return InstanceSpec(name, "s", "g", "r", "z", "127.0.0.1", 1, 1, (), "", volume=volume)


def test_a_disk_goes_with_its_instance(tmp_path):
    folder = disk.attach(tmp_path, spec("i-1"), has_namespaces=False)
    (folder / "inner").mkdir()
    (folder / "inner" / "data").write_text("x")
    disk.detach(tmp_path, spec("i-1"), has_namespaces=False)
    assert list(tmp_path.iterdir()) == []


def test_a_volume_stays_for_the_successor(tmp_path):
    first, second = spec("i-1", "store-a"), spec("i-2", "store-a")
    (disk.attach(tmp_path, first, has_namespaces=False) / "data").write_text("kept")
    disk.detach(tmp_path, first, has_namespaces=False)
    assert (disk.attach(tmp_path, second, has_namespaces=False) / "data").read_text() == "kept"


def test_an_instance_that_died_before_it_had_a_disk_has_none_to_take_away(tmp_path):
    disk.detach(tmp_path, spec("i-1"), has_namespaces=False)


def test_two_instances_never_share_a_disk(tmp_path):
    disk.attach(tmp_path, spec("i-1"), has_namespaces=False)
    with pytest.raises(FileExistsError):
        disk.attach(tmp_path, spec("i-1"), has_namespaces=False)
