"""A real server on a Unix socket, started for each test and gone after it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from atlas.client import AtlasClient
from atlas.errors import StoreUnreachable

START_S_MAX = 20.0


@pytest.fixture
def spawn(root: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `python -m atlas serve` with arguments; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "atlas", "serve", *arguments],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait(timeout=10)
        process.stderr.close()


@pytest.fixture
def socket_path(tmp_path: Path) -> Path:
    return tmp_path / "store.sock"


def healthy(address: str, process: subprocess.Popen[str]) -> AtlasClient:
    """A client of the server at the address, once it answers."""
    client = AtlasClient(address)
    deadline = time.monotonic() + START_S_MAX
    while True:
        try:
            client.health()
        except StoreUnreachable:
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline, f"{address} does not answer"
            time.sleep(0.02)
        else:
            return client


@pytest.fixture
def client(spawn, socket_path) -> AtlasClient:
    return healthy(f"unix:{socket_path}", spawn("--unix", str(socket_path), "--step", "1s"))
