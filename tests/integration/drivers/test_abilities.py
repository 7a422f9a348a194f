"""What the doctor tries, tried."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.integration


def test_a_machine_that_can_have_a_world_has_every_ability(world):
    done = subprocess.run(
        [sys.executable, "-m", "chaosctl.drivers.network.abilities"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found == dict.fromkeys(["namespaces", "links", "packet filter", "raw frames"], "")
