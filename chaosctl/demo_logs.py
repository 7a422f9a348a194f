"""Reads what the demo platform's instances logged: JSON lines, a file or two for each zone."""

from __future__ import annotations

import heapq
import json
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path


def last_entries(folder: Path, wanted: Mapping[str, str], line_count: int) -> list[str]:
    """The last lines whose fields are as wanted, oldest first; an empty wish is none."""
    wishes = {key: value for key, value in wanted.items() if value}
    found = (
        (str(entry["time"]), line)
        for path in sorted(folder.glob("*.jsonl"))
        for line, entry in _entries(path)
        if all(entry.get(key) == value for key, value in wishes.items())
    )
    return [line for _, line in sorted(heapq.nlargest(line_count, found))]


def last_lines(path: Path, line_count: int) -> list[str]:
    """The last lines of a text."""
    with path.open(errors="replace") as file:
        return [line.rstrip("\n") for line in deque(file, maxlen=line_count)]


def _entries(path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """Each line that is whole, and what it says."""
    try:
        text = path.read_text(errors="replace")
    except FileNotFoundError:  # it has just made room for a new one
        return
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # half of a line: its process was killed
        if isinstance(entry, dict) and "time" in entry:
            yield line, entry
