"""The demo platform that would be: what its own program says of it, without starting it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from monkeys.errors import TargetFailed

PLAN_TIMEOUT_S = 20.0


def planned_platform(size: str, seed: int) -> Mapping[str, Any]:
    """The document of a platform of that size and seed. Raises TargetFailed."""
    command = [sys.executable, "-m", "demo_platform", "topology"]
    command += ["--size", size, "--seed", str(seed)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=PLAN_TIMEOUT_S,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    except subprocess.CalledProcessError as error:
        raise TargetFailed(
            f"the demo platform cannot say what it would be: {error.stderr.strip()}",
            where="demo",
            fix="`chaosctl doctor` finds a broken install",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise TargetFailed(
            f"the demo platform did not say within {PLAN_TIMEOUT_S:g} s what it would be",
            where="demo",
            fix="try again; is the machine overloaded?",
        ) from error
    document: Mapping[str, Any] = json.loads(done.stdout)
    return document
