"""Whether there is memory for a platform, before one is begun."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from demo_platform import memory
from demo_platform.errors import DemoError
from demo_platform.memory import available_bytes, check_memory, pss_bytes, shortage

MB = 2**20


def test_what_is_available_is_what_the_kernel_says(tmp_path: Path) -> None:
    page = tmp_path / "meminfo"
    page.write_text("MemTotal:       24000000 kB\nMemAvailable:    1048576 kB\n")
    assert available_bytes(page) == 1024 * MB
    page.write_text("MemTotal:       24000000 kB\n")
    assert available_bytes(page) is None
    assert available_bytes(tmp_path / "none") is None
    assert (available_bytes() or 0) > 0


def test_a_tenth_is_left_to_others() -> None:
    assert shortage(90, 12 * MB, 1200 * MB) == ""
    assert shortage(90, 12 * MB, None) == ""
    said = shortage(91, 12 * MB, 1200 * MB)
    assert said == (
        "91 more instances take some 1092 MB (12.0 MB each), and the machine has 1200 MB to give"
    )


def test_more_instances_than_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 500 * MB)
    check_memory(37)
    with pytest.raises(DemoError, match="not enough memory: 90 more instances") as caught:
        check_memory(90)
    assert caught.value.where == "--size"
    assert "--size small" in caught.value.fix


def test_an_instance_takes_what_living_ones_do() -> None:
    mine = pss_bytes([os.getpid()])
    assert mine > 4 * MB
    assert pss_bytes([2**22 + 1, os.getpid()]) == pytest.approx(mine, rel=0.2)
    assert pss_bytes([]) == memory.PSS_BYTES_USUAL
