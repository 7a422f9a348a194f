"""How long the default install takes with a warm cache, and how much room it needs."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.figure import Figure
from tests.integration.bed import ROOT


def measure(_options: argparse.Namespace) -> list[Figure]:
    """Install twice into new environments; the second time is the one that counts."""
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / "wheel"
        pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "wheel", "--no-deps", "-w", wheel, ROOT], check=True)
        seconds, size_bytes = 0.0, 0
        for name in ("first", "second"):
            environment = Path(folder) / name
            subprocess.run([sys.executable, "-m", "venv", environment], check=True)
            began_s = time.monotonic()
            pip = [str(environment / "bin" / "python"), *pip[1:]]
            subprocess.run([*pip, "install", *wheel.glob("*.whl")], check=True)
            seconds = time.monotonic() - began_s
            size_bytes = _size(environment)
    return [
        Figure("default install, warm cache", seconds, "s", 90),
        Figure("default install, size", size_bytes / 1e6, "MB", 400, note="the environment whole"),
    ]


def _size(folder: Path) -> int:
    return sum(p.lstat().st_blocks * 512 for p in folder.rglob("*") if not p.is_dir())
