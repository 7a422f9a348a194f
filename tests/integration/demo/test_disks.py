"""Each instance's disk in a world with namespaces: its own, of a fixed size, gone with it."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from demo_platform.disk import DISK_BYTES
from tests.integration.demo.worlds import PLAIN, world

pytestmark = pytest.mark.integration


def test_a_disk_is_full_for_its_instance_alone_and_goes_with_it():
    with world("--size", "small", "--fabric", "netns", instances=PLAIN) as small:
        first, second = small.until_ready()["instances"][-2:]
        here, there = (f"/proc/{each['pid']}/cwd" for each in (first, second))
        assert os.statvfs(here).f_blocks * os.statvfs(here).f_frsize == DISK_BYTES
        with pytest.raises(OSError) as full:
            Path(here, "all").write_bytes(bytes(DISK_BYTES + 1))
        assert full.value.errno == errno.ENOSPC
        Path(there, "some").write_bytes(bytes(1 << 16))
        before = disks_of(second["pid"])
        os.kill(first["pid"], signal.SIGKILL)
        small.until(
            lambda now: (
                first["id"] not in {each["id"] for each in now["instances"]}
                and all(each["state"] == "up" for each in now["instances"])
            )
        )
        after = disks_of(second["pid"])
        assert len(after) == len(before)
        assert [point for point in before if point not in after] == [
            point for point in before if point.endswith(first["id"])
        ]
    assert small.left()[0] == []


def disks_of(pid: int) -> list[str]:
    """Mount points of instances' disks, as a process of the world sees them."""
    lines = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    return [point for line in lines if "/files/" in (point := line.split()[4])]
