"""Pictures of screens as text files: tests/data/screens/*.txt, rewritten by `--accept`."""

from __future__ import annotations

import difflib
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data"
RUNS = DATA / "runs"
"""Run folders that were recorded on the demo platform: one passed, one failed."""

PASSED, FAILED = "20261121-1458-wsp", "20261121-1459-7k7"


def compare(name: str, text: str, *, accept: bool) -> None:
    """Fail with the difference if the picture is not the one on file."""
    path = DATA / "screens" / f"{name}.txt"
    text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    if accept:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    wanted = path.read_text(encoding="utf-8")
    diff = "\n".join(difflib.unified_diff(wanted.splitlines(), text.splitlines(), lineterm=""))
    assert text == wanted, f"{path.name}: read the difference, then --accept\n{diff}"
