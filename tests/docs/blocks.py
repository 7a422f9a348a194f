"""The commands in the project's pages: the lines of blocks that open with `sh`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```sh ?(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"\s+# exits (\d+)\b.*$")


@dataclass(frozen=True, slots=True)
class Block:
    """Commands with the exit code of each. kind: empty, `platform` or `setup`."""

    place: str
    kind: str
    commands: tuple[tuple[str, int], ...]


def blocks_of(text: str, name: str) -> Iterator[Block]:
    """Every block of a page."""
    for found in BLOCK.finditer(text):
        lines = [line for line in found.group(2).splitlines() if line.strip()]
        pairs = [(CODE.sub("", line), code_of(line)) for line in lines]
        line = text.count("\n", 0, found.start()) + 1
        yield Block(f"{name}:{line}", found.group(1), tuple(pairs))


def code_of(line: str) -> int:
    """The exit code that a comment at the end of a line says, else 0."""
    found = CODE.search(line)
    return int(found.group(1)) if found else 0


def all_blocks(root: Path) -> list[Block]:
    """Every block of every page."""
    pages = [*root.glob("*.md"), *root.glob("docs/**/*.md"), root / "tests/README.md"]
    return [
        block
        for page in sorted(pages)
        for block in blocks_of(page.read_text(encoding="utf-8"), str(page.relative_to(root)))
    ]
