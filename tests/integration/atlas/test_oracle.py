"""The recorded answers over HTTP, of a server started as a user starts it."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.integration.atlas.conftest import healthy
from tests.integration.atlas.test_serve import free_port
from tests.oracle.application import SETTINGS
from tests.oracle.callers import OverHttp
from tests.oracle.replay import load, replay
from tests.oracle.vectors import latest_base_end_ms, vectors

pytestmark = pytest.mark.integration


@pytest.fixture
def address(root):
    """The address of a server that has nothing but the settings file."""
    port = free_port()
    command = [sys.executable, "-m", "chaosctl", "atlas", "serve", "--config", str(SETTINGS)]
    process = subprocess.Popen([*command, "--port", str(port)], cwd=root)
    try:
        healthy(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(timeout=10)


@pytest.mark.timeout(300)
def test_answers_over_http_are_those_recorded(address):
    caller = OverHttp(address)
    base_end_ms = latest_base_end_ms(time.time_ns() // 1_000_000)
    load(caller, base_end_ms)
    failures = [x for result in replay(caller, vectors(), base_end_ms) for x in result.failures]
    assert not failures, f"{len(failures)} are not as recorded:\n" + "\n".join(failures[:20])
