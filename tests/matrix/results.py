"""What was found in each cell, a line of JSON each; so a table goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("chaosctl", "monkeys", "atlas", "experiments", "targets")


@dataclass(slots=True)
class Result:
    """One cell.

    hit: phases the run was in when it was hit, one unless it went on meanwhile.
    code: the run's exit code, negative for a signal. ended_s: seconds from the event to its end.
    clean_s: to the moment from which nothing is left, from the event, or from the run's end where
        the event does not end it; by nobody's help where run and watchdog are both killed.
    left: what is left at the end of the limit; where both are killed, after `chaosctl recover`.
    lasting: where both are killed, each kind of residue with the seconds it was seen for.
    kept: of these, what only the next command took back. undone_s: that command to nothing left.
    """

    cell: str
    version: str
    commit: str
    at: str = ""
    load: float = 0.0
    hit: list[str] = field(default_factory=list)
    code: int = 0
    ended_s: float = 0.0
    clean_s: float = 0.0
    limit_s: float = 0.0
    left: list[str] = field(default_factory=list)
    lasting: dict[str, float] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    undone_s: float = 0.0
    said: str = ""

    @property
    def is_clean(self) -> bool:
        """Nothing left, in time."""
        return not self.left and self.clean_s <= self.limit_s


def sources_version() -> str:
    """Digest of the product's sources: results of others are of another product."""
    digest = hashlib.sha256()
    for package in PRODUCT:
        for path in sorted((ROOT / package).rglob("*.py")):
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def commit() -> str:
    """The commit of the sources, empty where there is none."""
    asked = ["git", "-C", str(ROOT), "log", "-1", "--format=%h", "--", *PRODUCT]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def read_results(path: Path) -> list[Result]:
    """All lines that are whole."""
    found = []
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            found.append(Result(**json.loads(line)))
        except (ValueError, TypeError):
            continue  # torn when the machine or the program ended
    return found


def keep(path: Path, result: Result) -> None:
    """Add a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(asdict(result), ensure_ascii=False) + "\n")


def latest(results: Iterable[Result]) -> dict[str, Result]:
    """The newest of each cell."""
    return {result.cell: result for result in results}
