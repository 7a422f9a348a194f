"""Which reports are wanted as files, and whether they can be written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from chaosctl.errors import ChaosctlError

TREND_RUNS = 30
STDOUT = Path("-")


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is wanted of some runs; None: not that. `-` is standard output.

    png: a folder. summary: `auto`, a file, or empty. trend: how many earlier runs are shown.
    baseline: a baseline file to compare with; None: one that is in its usual place, if any.
    """

    html: Path | None = None
    markdown: Path | None = None
    sarif: Path | None = None
    junit: Path | None = None
    png: Path | None = None
    summary: str = ""
    trend: int = TREND_RUNS
    baseline: Path | None = None

    @property
    def are_wanted(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.files or self.png or self.summary or STDOUT in self.named)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that will be written."""
        summary = Path(self.summary) if self.summary not in ("", "auto") else None
        return tuple(path for path in (*self.named, summary) if path is not None and path != STDOUT)

    @property
    def named(self) -> tuple[Path | None, ...]:
        """What the options for single files say."""
        return (self.html, self.markdown, self.sarif, self.junit)


def refuse_unwritable(wanted: Outputs, run_count: int) -> None:
    """Say now, before anything is broken, what could not be written in the end."""
    if wanted.html is not None and run_count > 1:
        raise ChaosctlError(
            "an HTML report is of one run, and there are several",
            where=str(wanted.html),
            fix="name a folder with `chaosctl run --report DIR`, which gets a file for each",
        )
    for path in wanted.files:
        if not path.parent.is_dir():
            raise unwritable(path, "there is no such folder")
        if path.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
            raise unwritable(path, "it is a folder, or in one that may not be written to")


def unwritable(path: Path, why: str) -> ChaosctlError:
    """The error of a report that cannot be written."""
    return ChaosctlError(
        f"results cannot be written: {why}",
        where=str(path),
        fix="name a file in a folder that exists and may be written to",
    )
