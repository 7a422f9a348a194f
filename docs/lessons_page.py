"""The page about the lessons: each one's story, its switch, what fails with it, and its chart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from lesson_charts import is_current

from chaosctl.experiment.lessons import Lesson, all_lessons, lesson, story
from chaosctl.experiment.load import Document
from demo_platform.fragility import SWITCHES

INTRODUCTION = (
    "A lesson is a pair of experiments that differ in one switch of the demo platform: with the"
    " flaw the run fails, with that one switch set right it passes. `chaosctl demo` leads through"
    " one; `chaosctl demo --lesson NAME` through another; `chaosctl list lessons` has their titles."
    " Each run takes about 25 seconds on a platform that is up (`chaosctl demo up`), and lessons"
    " can follow one another.",
    "`make lessons REPEAT=10` runs all of them ten times and prints how far each check was from its"
    " limit; CI runs a third of them in turn. The charts are of such runs: a row for each check,"
    " the flawed run on the left; seconds since the fault; pale red: the fault is in; dashed: the"
    " limit; the thin line is each second's value, the thick one the mean that is judged."
    " `make lesson-charts` makes them anew.",
)


def lessons_page(verdicts: Path, made_by: str) -> Iterator[str]:
    """All lessons, by name. verdicts: where the tests say what each is expected to say."""
    yield "# Lessons\n\n" + made_by
    yield from INTRODUCTION
    names = all_lessons()
    rows = ["| lesson | the flaw | with it |", "| --- | --- | --- |"]
    for name in names:
        said = _expected(verdicts, name)
        link = f"[{name}](#{name})"
        rows.append(f"| {link} | `{said['switch']}` | {'; '.join(said['failed'])} fails |")
    yield "\n".join(rows)
    for name in names:
        yield from _lesson(lesson(name), _expected(verdicts, name))


def _lesson(taught: Lesson, expected: Mapping[str, Any]) -> Iterator[str]:
    switch = expected["switch"]
    yield f"## {taught.name}"
    yield from _side(taught.flawed)
    yield from _side(taught.fixed)
    flaw, right = (_setting(document, switch) for document in (taught.flawed, taught.fixed))
    failed = ", ".join(f"*{name}*" for name in expected["failed"])
    yield (
        f"The one difference is the switch `{switch}` ({SWITCHES[switch]}): {flaw}, and {right}."
        f" With it {failed} must fail{_because(expected)}; without it every check holds."
    )
    yield (
        f"```text\nchaosctl run {taught.flawed.name}\nchaosctl run {taught.fixed.name}\n"
        f"chaosctl demo --lesson {taught.name}\n```"
    )
    if is_current(taught):
        yield f"![{taught.name}: flawed and fixed](lessons/{taught.name}.svg)"
    else:
        yield "*There is no chart yet of these two files as they are now.*"


def _side(document: Document) -> Iterator[str]:
    title = str(yaml.safe_load(document.text)["title"]).removeprefix("Lesson: ")
    yield f"**{title[:1].upper()}{title[1:]}.**"
    yield from story(document)


def _setting(document: Document, switch: str) -> str:
    is_on = yaml.safe_load(document.text)["target"]["switches"][switch]
    return f"{'on' if is_on else 'off'} in [{document.name}](../{document.source})"


def _because(expected: Mapping[str, Any]) -> str:
    found = [f"`{reason}`" for reason in expected.get("because", [])]
    return f", and what stands out among the failures must be {' or '.join(found)}" * bool(found)


def _expected(verdicts: Path, name: str) -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load((verdicts / f"{name}.yaml").read_text(encoding="utf-8"))
    return said
