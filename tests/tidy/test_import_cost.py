"""`chaosctl --help` stays quick: it imports no driver, store, web or number library."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Not pydantic: typer imports it by itself for options that are numbers.
HEAVY = """
docker kubernetes boto3 botocore pyroute2 psutil fastapi starlette uvicorn uvloop httptools aiohttp
numpy scipy PIL textual msgspec prometheus_client yaml asyncio atlas demo_platform monkeys.faults
chaosctl.drivers chaosctl.stores chaosctl.engine.run chaosctl.experiment.load
"""


def imported(*arguments: str) -> list[str]:
    """Full names of the modules that a run of the program imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "chaosctl", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    report = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return [line.rsplit("|", 1)[1].strip() for line in report[1:]]


@pytest.mark.parametrize(
    "arguments", [["--help"], ["run", "--help"], ["demo", "--help"]], ids=" ".join
)
def test_help_imports_nothing_heavy(arguments, report):
    report(
        f"chaosctl/cli.py:1: `chaosctl {' '.join(arguments)}` imports {heavy} (as {name})"
        for name in imported(*arguments)
        for heavy in HEAVY.split()
        if name == heavy or name.startswith(heavy + ".")
    )
