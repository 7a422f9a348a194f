"""Every example in a docstring runs and answers as printed."""

from __future__ import annotations

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("chaosctl", "monkeys", "atlas", "targets/demo-platform/demo_platform")
EXAMPLE = re.compile(r"^\s*>>> ", re.MULTILINE)


def modules() -> list[str]:
    """Those with examples, by the name that they are imported by."""
    files = [file for folder in SOURCES for file in sorted((ROOT / folder).rglob("*.py"))]
    shown = [file for file in files if EXAMPLE.search(file.read_text(encoding="utf-8"))]
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in shown]
    return [name.removeprefix("targets.demo-platform.") for name in names]


@pytest.mark.parametrize("name", modules())
def test_examples_of_the_module_run(name: str) -> None:
    found = doctest.testmod(import_module(name.removesuffix(".__init__")))
    assert (found.failed, found.attempted > 0) == (0, True)
