"""What is different between two runs of an experiment. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chaosctl.engine.result import RunResult
from chaosctl.report.symbols import duration, number


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was different. is_worse: None if that cannot be said of it."""

    what: str
    before: str
    now: str
    is_worse: bool | None = None

    @property
    def text(self) -> str:
        """As people say it."""
        return f"{self.what} {self.before} → {self.now}"


def difference(before: RunResult, now: RunResult) -> list[Change]:
    """Verdict, score, recovery, undo, each check, and what the two were made with; changes only."""
    found = [*_outcome(before, now), *_checks(before, now), *_made_with(before, now)]
    return [change for change in found if change.before != change.now]


def _outcome(before: RunResult, now: RunResult) -> Iterator[Change]:
    yield Change("verdict", before.verdict, now.verdict, now.verdict != "passed")
    old, new = (_number(r.detail.get("score")) for r in (before, now))
    are_known = not (math.isnan(old) or math.isnan(new))
    yield Change("score", _score(old), _score(new), new < old if are_known else None)
    took, takes = before.detail.get("recovery_ms"), now.detail.get("recovery_ms")
    is_slower = takes > took if took is not None and takes is not None else None
    yield Change("recovery", _duration(took), _duration(takes), is_slower)
    yield Change("undo", before.undo, now.undo, now.undo != "clean")


def _checks(before: RunResult, now: RunResult) -> Iterator[Change]:
    old, new = (_by_name(r) for r in (before, now))
    for name in dict.fromkeys((*new, *old)):
        if name not in old or name not in new:
            yield Change(name, _there(name in old), _there(name in new))
            continue
        margins = [_number(each[name].get("margin")) for each in (old, new)]
        is_known = not any(math.isnan(margin) for margin in margins)
        yield Change(
            name,
            number(old[name].get("worst")),
            number(new[name].get("worst")),
            margins[1] < margins[0] if is_known else None,
        )


def _made_with(before: RunResult, now: RunResult) -> Iterator[Change]:
    old, new = before.detail, now.detail
    old_sha, new_sha = (str((d.get("document") or {}).get("sha256", ""))[:12] for d in (old, new))
    yield Change("document", old_sha, new_sha)
    for key in ("chaosctl", "python", "system", "commit", "settings"):
        was, is_now = (_plain((d.get("about") or {}).get(key, "")) for d in (old, new))
        yield Change(key, was, is_now)
    hit, hits = (len(d.get("targets", ())) for d in (old, new))
    yield Change("targets", f"{hit} instances", f"{hits} instances")


def _by_name(result: RunResult) -> Mapping[str, Mapping[str, Any]]:
    return {check["name"]: check for check in result.detail.get("checks", ())}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _score(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.0f}"


def _duration(ms: int | None) -> str:
    return "not measured" if ms is None else duration(ms)


def _there(is_there: bool) -> str:
    return "a check" if is_there else "no check"


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value)) or "none"
    return str(value) or "unknown"
