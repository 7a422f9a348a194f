"""Spans on their way to a collector that is there, behind, or away."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_platform.tracing.sender import BATCH_BYTES_MAX, SpanSender
from demo_platform.tracing.span import ZipkinSpan, read_spans


def span(number: int = 1, name: str = "play") -> ZipkinSpan:
    return ZipkinSpan(f"{number:032x}", f"{number:016x}", name=name)


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
        ours.bind(str(tmp_path / "s"))
        ours.settimeout(5)
        yield ours


def heard(collector: socket.socket) -> int:
    return len(read_spans(collector.recv(1 << 20), where="test"))


def test_spans_go_together_when_the_process_ends(collector: socket.socket, tmp_path: Path) -> None:
    async def scene() -> int:
        sender = SpanSender(str(tmp_path / "s"))
        for number in range(1, 4):
            sender.report(span(number))
        sender.close()
        return sender.dropped

    assert asyncio.run(scene()) == 0
    assert heard(collector) == 3


def test_a_batch_that_is_full_does_not_wait(collector: socket.socket, tmp_path: Path) -> None:
    async def scene() -> None:
        sender = SpanSender(str(tmp_path / "s"))
        sender.report(span(1, "x" * BATCH_BYTES_MAX))
        sender.report(span(2))
        assert heard(collector) == 1
        sender.close()

    asyncio.run(scene())


def test_a_collector_that_is_behind_costs_spans_and_no_time(
    collector: socket.socket, tmp_path: Path
) -> None:
    async def scene() -> None:
        sender = SpanSender(str(tmp_path / "s"))
        for number in range(1, 1001):
            sender.report(span(number))
            sender.flush()
        assert sender.dropped >= 500
        arrived = 1000 - sender.dropped
        assert [heard(collector) for _ in range(arrived)] == [1] * arrived
        sender.report(span())
        sender.close()
        assert heard(collector) == 1

    asyncio.run(scene())


def test_a_collector_that_comes_later_is_found(tmp_path: Path) -> None:
    async def scene() -> None:
        sender = SpanSender(str(tmp_path / "s"))
        sender.report(span())
        sender.flush()
        assert sender.dropped == 1
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
            ours.bind(str(tmp_path / "s"))
            ours.settimeout(5)
            sender.report(span())
            sender.close()
            assert heard(ours) == 1

    asyncio.run(scene())
