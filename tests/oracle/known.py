"""The vectors that are known to fail, as a file that may only grow shorter.

A vector that fails and is not in it is an error; so is one that is in it and passes. A line is the
vector's id, or its id and `message` if only the text of its refusal differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.oracle.replay import Result
from tests.oracle.vectors import DATA

FILE = DATA / "known-failures.txt"


def read(path: Path = FILE) -> frozenset[str]:
    """The known failures."""
    return (
        frozenset(path.read_text(encoding="utf-8").splitlines()) if path.exists() else frozenset()
    )


def update(results: Sequence[Result], path: Path = FILE) -> list[str]:
    """Write what fails now, and return the lines that are new; others keep theirs."""
    before = read(path)
    kept = {line for line in before if line.split()[0] not in {r.vector.id for r in results}}
    lines = sorted(kept.union(*(r.failures for r in results)))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return [line for line in lines if line not in before]


def surprises(results: Iterable[Result], known: frozenset[str]) -> list[str]:
    """What differs from the list, a line each."""
    found = []
    for result in results:
        listed = {line for line in known if line.split()[0] == result.vector.id}
        found += [
            f"{line} passes now: take it from {FILE.name}" for line in listed - result.failures
        ]
        for line in sorted(result.failures - listed):
            check = result.checks[-1] if line.endswith("message") else result.checks[0]
            found.append(f"{line} fails: {check.difference}")
    return found
