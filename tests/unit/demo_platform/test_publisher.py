"""Lines on their way to a store that is there, behind, or away."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_platform.publisher import DATAGRAM_BYTES_MAX, WAITING_MAX, Outlet, datagrams, until_next_s


@pytest.fixture
def store(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        ours.bind(str(tmp_path / "s"))
        ours.settimeout(5)
        yield ours


def test_lines_of_a_step_go_together(store: socket.socket, tmp_path: Path) -> None:
    async def scene() -> None:
        outlet = Outlet(str(tmp_path / "s"))
        outlet.send(["c:a:1", "c:b:2"])
        outlet.close()

    asyncio.run(scene())
    assert store.recv(1 << 16) == b"c:a:1\nc:b:2"


def test_a_store_that_is_behind_gets_the_last_steps_and_nobody_waits(
    store: socket.socket, tmp_path: Path
) -> None:
    async def scene() -> None:
        outlet = Outlet(str(tmp_path / "s"))
        for step in range(1000):
            outlet.send([f"c:a:{step}"])
        taken = 0
        while outlet.dropped + taken < 1000 - WAITING_MAX:  # what the kernel holds
            assert store.recv(1 << 16) == b"c:a:%d" % taken
            taken += 1
        await asyncio.sleep(0.05)
        for waited in range(1000 - WAITING_MAX, 1000):
            assert store.recv(1 << 16) == b"c:a:%d" % waited
        outlet.close()
        assert outlet.dropped == 1000 - WAITING_MAX - taken

    asyncio.run(scene())


def test_a_store_that_is_away_costs_the_step_and_is_found_when_it_is_back(tmp_path: Path) -> None:
    async def scene() -> None:
        outlet = Outlet(str(tmp_path / "s"))
        outlet.send(["c:a:1", "c:b:1"])
        assert outlet.dropped == 2
        for _ in range(2):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as store:
                store.bind(str(tmp_path / "s"))
                store.settimeout(5)
                outlet.send(["c:a:2"])
                if outlet.dropped == 3:  # it had been told of the first store's death by this
                    outlet.send(["c:a:2"])
                assert store.recv(1 << 16) == b"c:a:2"
            (tmp_path / "s").unlink()
        outlet.close()

    asyncio.run(scene())


@given(st.lists(st.text("ab", min_size=1, max_size=DATAGRAM_BYTES_MAX // 3), max_size=12))
def test_every_line_is_in_one_datagram_that_is_not_too_long(lines: list[str]) -> None:
    sent = list(datagrams(lines))
    assert [line for text, _ in sent for line in text.decode().split("\n")] == lines
    assert [count for _, count in sent] == [text.count(b"\n") + 1 for text, _ in sent]
    assert all(len(text) <= DATAGRAM_BYTES_MAX for text, _ in sent)


@given(st.floats(0, 2e9), st.floats(0.3, 0.7))
def test_a_step_is_sent_once_and_near_its_middle(now_s: float, offset_s: float) -> None:
    wait_s = until_next_s(now_s, offset_s)
    assert 0.499 <= wait_s <= 1.501
    fires_s = now_s + wait_s
    assert abs((fires_s - offset_s + 0.5) % 1.0 - 0.5) < 1e-5
