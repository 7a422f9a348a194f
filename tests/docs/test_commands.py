"""Every command in the project's pages runs and exits as the page says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.docs.blocks import all_blocks
from tests.integration.atlas.conftest import healthy

ROOT = Path(__file__).resolve().parent.parent.parent
BLOCKS = all_blocks(ROOT)


def of_kind(kind: str) -> list[object]:
    return [pytest.param(block, id=block.place) for block in BLOCKS if block.kind == kind]


@pytest.fixture
def run_block():
    """Runs a block line by line, with folders of its own; short, for sockets live in them."""
    home = Path(tempfile.mkdtemp(prefix="docs-"))
    bin_dir = str(Path(sys.executable).parent)
    env = {**os.environ, "CI": "true", "PATH": f"{bin_dir}:{os.environ['PATH']}"}
    env |= {f"CHAOSCTL_{name}_DIR": str(home / name) for name in ("STATE", "RUNTIME", "LOCK")}

    def run(command: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", command],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def run_all(block, timeout_s: float) -> None:
        for command, code in block.commands:
            done = run(command, timeout_s)
            said = f"{block.place}: {command}\n{done.stdout}{done.stderr}"
            assert done.returncode == code, said
            assert "Traceback" not in done.stderr, said

    yield run_all
    if (home / "RUNTIME" / "demo").exists():
        run("chaosctl demo down", 60)
    shutil.rmtree(home)


@pytest.mark.integration
@pytest.mark.parametrize("block", of_kind(""))
def test_commands_that_start_nothing_run(block, run_block):
    run_block(block, timeout_s=30)


@pytest.mark.integration
@pytest.mark.timeout(600)
@pytest.mark.parametrize("block", of_kind("platform"))
def test_commands_on_the_platform_run(block, run_block):
    run_block(block, timeout_s=240)


@pytest.mark.integration
@pytest.mark.parametrize("block", of_kind("store"))
def test_commands_on_the_store_run(block, run_block):
    argv = [sys.executable, "-m", "atlas", "serve", "--spectatord-port", "1234"]
    server = subprocess.Popen(argv, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        healthy("http://127.0.0.1:7101", server)
        run_block(block, timeout_s=30)
    finally:
        server.terminate()
        server.wait(timeout=10)


def test_readme_has_two_setup_commands():
    setup = [b for b in BLOCKS if b.kind == "setup"]
    assert {b.place.split(":")[0] for b in setup} == {"README.md"}
    lines = [command for b in setup for command, _ in b.commands]
    assert len(lines) == 2
    assert all(line.startswith("python3 -m venv ") for line in lines)


def test_ci_runs_the_lines_of_readme():
    lines = [command for b in BLOCKS if b.kind == "setup" for command, _ in b.commands]
    for name, line in zip(("run", "test"), lines, strict=True):
        command = [sys.executable, ".ci/readme.py", name]
        printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert printed.stdout.strip() == line
