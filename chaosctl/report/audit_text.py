"""A line of the audit log for people."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any


def audit_line(line: Mapping[str, Any]) -> str:
    """When, who, how it ended, which runs, and the command as it was typed."""
    at = datetime.fromtimestamp(int(line["at_ms"]) / 1000, tz=UTC)
    who = str(line["user"])
    if line.get("sudo_user"):
        who += f" (sudo by {line['sudo_user']})"
    said = str(line.get("verdict") or line["command"])
    undo = line.get("undo")
    if undo and undo != "clean":
        said += f", undo {undo}"
    runs = " ".join(line["runs"]) or "-"
    argv = [str(word) for word in line["argv"]]
    typed = shlex.join([PurePath(argv[0]).name, *argv[1:]]) if argv else ""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC  {who}  {said}  {runs}  {typed}".rstrip()
