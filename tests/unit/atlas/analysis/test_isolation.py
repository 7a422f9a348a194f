"""`scipy.stats` takes long to load; the store's process never does."""

from __future__ import annotations

import subprocess
import sys

import pytest

IMPORT_ALL = """
import importlib, pkgutil, sys
import atlas
names = [m.name for m in pkgutil.walk_packages(atlas.__path__, "atlas.")]
for name in names:
    if name != "atlas.__main__":
        importlib.import_module(name)
assert "atlas.server.app" in sys.modules and "atlas.analysis.compare" in sys.modules
"""
CALL = """
from atlas.analysis.compare import compare
compare([1, 2], [3, 4])
"""


def loads_stats(program: str) -> bool:
    """Whether `scipy.stats` is loaded once the program has run."""
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys; print('scipy.stats' in sys.modules)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip() == "True"


@pytest.mark.integration
def test_no_module_of_the_store_loads_it():
    assert not loads_stats(IMPORT_ALL)


@pytest.mark.integration
def test_a_comparison_does():
    assert loads_stats(CALL)
