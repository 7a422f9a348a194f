"""What the bundled experiments and the lessons are expected to say: data/verdicts as tables."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "data" / "verdicts"


def bundled_verdicts() -> dict[str, dict[str, Any]]:
    """By the experiment's name: `verdict`, `failed` (names of checks), maybe `because` and
    `passes-with`."""
    return {path.stem: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))}


def lessons() -> dict[str, dict[str, Any]]:
    """By the lesson's name: the `switch` that makes it fail, which checks have `failed` then and
    `because` of what: any one of these."""
    folder = FOLDER / "lessons"
    return {path.stem: yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml"))}


def lesson_verdicts() -> dict[str, dict[str, Any]]:
    """By the experiment's name, as `bundled_verdicts`: two for each lesson."""
    expected = {}
    for name, lesson in lessons().items():
        because = lesson.get("because", [])
        flawed = {"verdict": "failed", "failed": lesson["failed"], "because": because}
        expected[f"{name}-flawed"] = flawed
        expected[f"{name}-fixed"] = {"verdict": "passed", "failed": []}
    return expected


def has_reason(detail: Mapping[str, Any], reasons: Sequence[str]) -> bool:
    """Whether a run's findings name one of the reasons (tags, `key=value`), if one is asked for.

    detail: of a run's result, with `because`: findings by check.
    """
    findings = [line for lines in detail["because"].values() for line in lines]
    return not reasons or any(f"{one} " in line for one in reasons for line in findings)


def chosen_third(names: Sequence[str]) -> list[str]:
    """Those whose turn it is: all of them, unless LESSONS_THIRD is a number, from which a third of
    them follows in turn; never none."""
    third = os.environ.get("LESSONS_THIRD")
    if third is None or not names:
        return list(names)
    size = math.ceil(len(names) / 3)
    return sorted({names[(int(third) * size + n) % len(names)] for n in range(size)})
