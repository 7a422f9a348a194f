"""Print a set-up command of README.md, so that what CI runs is what a reader pastes.

The commands are the lines of the blocks that open with three back-ticks and `sh setup`.

    python3 .ci/readme.py run      the command that installs and does the main job
    python3 .ci/readme.py test     the command that installs what tests need and runs them
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
BLOCK = re.compile(r"^```sh setup\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NAMES = ("run", "test")


def setup_commands(text: str) -> dict[str, str]:
    """The two commands by name. Raises SystemExit if there are more or fewer."""
    lines = [line for block in BLOCK.findall(text) for line in block.splitlines() if line.strip()]
    if len(lines) != len(NAMES):
        raise SystemExit(f"README.md: has {len(lines)} set-up commands, expected {len(NAMES)}")
    return dict(zip(NAMES, lines, strict=True))


if __name__ == "__main__":
    print(setup_commands(README.read_text(encoding="utf-8"))[sys.argv[1]])
