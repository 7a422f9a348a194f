"""Lessons: pairs of bundled experiments, the same but for one flaw of the demo platform."""

from __future__ import annotations

from dataclasses import dataclass

from chaosctl.errors import InvalidExperiment, Problem
from chaosctl.experiment.forms import did_you_mean
from chaosctl.experiment.load import Document, find, lesson_names

FLAWED, FIXED = "-flawed", "-fixed"


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson's two documents; the comments at their heads tell its story."""

    name: str
    flawed: Document
    fixed: Document


def all_lessons() -> list[str]:
    """Names of the lessons, sorted."""
    return [name.removesuffix(FLAWED) for name in lesson_names() if name.endswith(FLAWED)]


def lesson(name: str) -> Lesson:
    """The lesson of that name. Raises InvalidExperiment."""
    names = all_lessons()
    if name not in names:
        fix = f"{did_you_mean(name, names)}there is: {', '.join(names)}"
        raise InvalidExperiment([Problem(f"no lesson '{name}'", "", fix)])
    return Lesson(name, find(name + FLAWED), find(name + FIXED))


def story(document: Document) -> list[str]:
    """The paragraphs of the comment at a document's head, each in one line."""
    paragraphs = [""]
    for line in document.text.splitlines():
        if not line.startswith("#"):
            break
        words = line.removeprefix("#").strip()
        if words:
            paragraphs[-1] = f"{paragraphs[-1]} {words}".strip()
        elif paragraphs[-1]:
            paragraphs.append("")
    return [paragraph for paragraph in paragraphs if paragraph]
