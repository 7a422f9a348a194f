"""The baseline file: what was accepted of each experiment, committed and readable in a diff.

Schema chaosctl/baseline/v1: `updated` (date), `commit`, and by name of the experiment `verdict`,
`document` (sha256:…), `runs`, `score`, `recovery_ms`, `checks`. A level is `median`, `spread` and
the runs' `values`; of a check there is `limit`, `worst` and `margin`. What is unknown is left out.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chaosctl.context import Context
from chaosctl.engine.journal import write_whole
from chaosctl.errors import ChaosctlError
from chaosctl.judge.accepted import KNOWING, Accepted, AcceptedCheck, Level
from chaosctl.judge.verdict import Verdict

SCHEMA = "chaosctl/baseline/v1"
BYTES_MAX = 16 << 20
NUMBER_MAX = 1e300
LOCK_S_MAX, LOCK_PAUSE_S = 10.0, 0.05
_NUMBERS = re.compile(r"\[\s+([-+.eE\d,\s]+?)\s+\]")
_KEYS = {
    "": ("schema", "updated", "commit", "experiments"),
    "experiment": ("verdict", "document", "runs", "score", "recovery_ms", "checks"),
    "check": ("limit", "worst", "margin"),
    "level": ("median", "spread", "values"),
}


def read_baseline(path: Path) -> dict[str, Accepted]:
    """What was accepted, by name of the experiment. Raises ChaosctlError with the place in it."""
    try:
        if path.stat().st_size > BYTES_MAX:
            raise _bad(path, "", f"is larger than {BYTES_MAX >> 20} MiB")
        found = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except FileNotFoundError as error:
        raise ChaosctlError(
            "there is no baseline file",
            where=str(path),
            fix="make it from runs that are good: chaosctl gate RUNS --baseline FILE --update",
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ChaosctlError(
            f"baseline file cannot be read: {why}",
            where=str(path),
            fix="take it from the last good commit, or make a new one with --update",
        ) from error
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema != SCHEMA:
        raise ChaosctlError(
            f"baseline file has schema {schema!r}, this version knows {SCHEMA!r}",
            where=str(path),
            fix="use the version of chaosctl that wrote it, or a newer one",
        )
    try:
        _known_keys("", found)
        return {name: _experiment(name, one) for name, one in _map(found, "experiments").items()}
    except _Wrong as error:
        raise _bad(path, error.place, error.what) from error


def render_baseline(accepted: Mapping[str, Accepted], *, updated: str, commit: str) -> str:
    """The file's text: sorted, a line a value, the same for the same runs."""
    document = {
        "schema": SCHEMA,
        "updated": updated,
        "commit": commit,
        "experiments": {name: _experiment_json(accepted[name]) for name in sorted(accepted)},
    }
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    return _NUMBERS.sub(lambda found: f"[{' '.join(found.group(1).split())}]", text) + "\n"


def update_baseline(
    path: Path,
    change: Callable[[dict[str, Accepted]], Mapping[str, Accepted]],
    context: Context,
    *,
    updated: str,
    commit: str,
) -> None:
    """Replace the file by what `change` makes of it; two that do so at once both have their say.

    A file that is not there yet is empty. Raises ChaosctlError if it cannot be read or written.
    """
    try:
        with _folder_lock(path.parent, context):
            before = read_baseline(path) if path.exists() else {}
            write_whole(path, render_baseline(change(before), updated=updated, commit=commit))
    except OSError as error:
        raise ChaosctlError(
            f"baseline file cannot be written: {error.strerror}",
            where=str(path),
            fix="name a file in a folder that exists and may be written to",
        ) from error


@contextmanager
def _folder_lock(folder: Path, context: Context) -> Iterator[None]:
    """The kernel's lock on the folder itself, so that no lock file lies beside a committed one."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        until_s = context.monotonic() + LOCK_S_MAX
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if context.monotonic() >= until_s:
                    raise ChaosctlError(
                        f"another process has had the folder for {LOCK_S_MAX:g} s",
                        where=str(folder),
                        fix="wait for the other `chaosctl gate --update`, then try again",
                    ) from error
                context.sleep(LOCK_PAUSE_S)
        yield
    finally:
        os.close(descriptor)


def _experiment_json(accepted: Accepted) -> dict[str, Any]:
    found: dict[str, Any] = {
        "verdict": accepted.verdict.value,
        "document": accepted.document,
        "runs": accepted.runs,
    }
    if accepted.score is not None:
        found["score"] = _level_json(accepted.score)
    if accepted.recovery_ms is not None:
        found["recovery_ms"] = _level_json(accepted.recovery_ms)
    found["checks"] = {
        name: {
            "limit": check.limit,
            "worst": _level_json(check.worst),
            "margin": _level_json(check.margin),
        }
        for name, check in sorted(accepted.checks.items())
    }
    return found


def _level_json(level: Level) -> dict[str, Any]:
    return {
        "median": _short(level.median),
        "spread": _short(level.spread),
        "values": [_short(value) for value in level.values],
    }


def _short(value: float) -> float | int:
    """Six significant digits are more than a run has; whole numbers have no point."""
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() else short


class _Wrong(Exception):
    def __init__(self, place: str, what: str) -> None:
        super().__init__(what)
        self.place, self.what = place, what


def _bad(path: Path, place: str, what: str) -> ChaosctlError:
    return ChaosctlError(
        f"baseline file: {place} {what}" if place else f"baseline file {what}",
        where=str(path),
        fix="correct it, take it from the last good commit, or make a new one with --update",
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} stands twice in one object")
    return found


def _experiment(name: str, found: Any) -> Accepted:
    place = f"experiments.{name}"
    _known_keys("experiment", found, place)
    verdict = found.get("verdict")
    known = sorted(each.value for each in KNOWING)
    if verdict not in known:
        raise _Wrong(f"{place}.verdict", f"is {verdict!r}, must be one of {', '.join(known)}")
    document, runs = found.get("document"), found.get("runs")
    if not isinstance(document, str):
        raise _Wrong(f"{place}.document", "must be a text")
    if not isinstance(runs, int) or isinstance(runs, bool) or runs < 1:
        raise _Wrong(f"{place}.runs", "must be a whole number from 1")
    return Accepted(
        verdict=Verdict(verdict),
        document=document,
        runs=runs,
        score=_level(found["score"], f"{place}.score") if "score" in found else None,
        recovery_ms=_level(found["recovery_ms"], f"{place}.recovery_ms")
        if "recovery_ms" in found
        else None,
        checks={
            check: _check(one, f"{place}.checks.{check}")
            for check, one in _map(found, "checks", place).items()
        },
    )


def _check(found: Any, place: str) -> AcceptedCheck:
    _known_keys("check", found, place)
    if not isinstance(found.get("limit"), str):
        raise _Wrong(f"{place}.limit", "must be a text")
    worst, margin = found.get("worst"), found.get("margin")
    return AcceptedCheck(
        _level(worst, f"{place}.worst"), _level(margin, f"{place}.margin"), found["limit"]
    )


def _level(found: Any, place: str) -> Level:
    _known_keys("level", found, place)
    values = found.get("values", [])
    if not isinstance(values, list):
        raise _Wrong(f"{place}.values", "must be a list of numbers")
    spread = _number(found.get("spread"), f"{place}.spread")
    if spread < 0:
        raise _Wrong(f"{place}.spread", "must not be negative")
    return Level(
        _number(found.get("median"), f"{place}.median"),
        spread,
        tuple(_number(value, f"{place}.values") for value in values),
    )


def _number(found: Any, place: str) -> float:
    if isinstance(found, int | float) and not isinstance(found, bool) and abs(found) <= NUMBER_MAX:
        return float(found)
    raise _Wrong(place, f"is {str(found)[:40]!r}, must be a number")


def _map(found: Mapping[str, Any], key: str, place: str = "") -> dict[str, Any]:
    value = found.get(key)
    if not isinstance(value, dict):
        raise _Wrong(f"{place}.{key}".lstrip("."), "must be an object")
    return value


def _known_keys(kind: str, found: Any, place: str = "") -> None:
    if not isinstance(found, dict):
        raise _Wrong(place, "must be an object")
    for key in found:
        if key not in _KEYS[kind]:
            known = ", ".join(_KEYS[kind])
            raise _Wrong(f"{place}.{key}".lstrip("."), f"is not known; there is: {known}")
