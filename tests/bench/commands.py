"""What a call pays for being run as a command: microseconds of processor time."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import uvloop

from demo_platform.client import DECLARED
from demo_platform.hystrix.command import Command
from demo_platform.hystrix.properties import NoSource
from demo_platform.hystrix.runtime import Runtime
from tests.bench.figure import Figure

CALLS = 5_000
ROUNDS = 20
LIMIT_US = 15.0


def measure(_options: argparse.Namespace) -> list[Figure]:
    """A call in a pool and one under a semaphore, each less what the bare call costs."""
    return uvloop.run(_measure())


async def _measure() -> list[Figure]:
    bare_us = await _cost_us(_run)
    figures = []
    for strategy, name in (("THREAD", "in a pool"), ("SEMAPHORE", "under a semaphore")):
        runtime = Runtime(asyncio.get_running_loop(), NoSource())
        declared: dict[str, bool | int | str | None] = {**DECLARED, "strategy": strategy}
        command = Command("recs", "recs", runtime, failures=(), declared=declared)
        cost_us = await _cost_us(partial(command.execute, _run))
        figures.append(Figure(f"a command's call {name}", cost_us - bare_us, "µs", LIMIT_US))
    return figures


async def _run() -> int:
    return 1


async def _cost_us(call: Callable[[], Awaitable[int]]) -> float:
    """The least processor time of a call over some rounds: other work can only add to it."""
    best_s = float("inf")
    for _ in range(ROUNDS):
        began_s = time.process_time()
        for _ in range(CALLS):
            await call()
        best_s = min(best_s, time.process_time() - began_s)
    return best_s / CALLS * 1e6
