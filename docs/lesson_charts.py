"""Write lessons/NAME.svg from runs that were really made: both sides of a lesson, check by check.

python docs/lesson_charts.py STATE    from the newest runs in a state folder of chaosctl

A chart says in its first lines which two documents it is of; `docs/generate.py` shows no other.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from chaosctl.experiment.lessons import FIXED, FLAWED, Lesson, all_lessons, lesson
from chaosctl.report.drawing import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Chart, draw_chart
from chaosctl.report.evidence import Evidence, fault_spans, judged_span, moments, read_evidence

DOCS = Path(__file__).resolve().parent
CHARTS = DOCS / "lessons"
NEWEST_MAX = 400
EXPECTED = {FLAWED: "failed", FIXED: "passed"}


@dataclass(frozen=True, slots=True)
class Row:
    """A check of both sides."""

    name: str
    flawed: Chart
    fixed: Chart


def digest(flawed: str, fixed: str) -> str:
    """What two documents say, comments apart, in a few letters."""
    said = json.dumps([yaml.safe_load(text) for text in (flawed, fixed)], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def is_current(taught: Lesson) -> bool:
    """Whether there is a chart of the lesson's documents as they are now."""
    chart = CHARTS / f"{taught.name}.svg"
    of = f"<desc>{digest(taught.flawed.text, taught.fixed.text)}</desc>"
    return chart.is_file() and of in chart.read_text(encoding="utf-8")


def render(name: str, flawed: Evidence, fixed: Evidence) -> str:
    """The chart of a lesson, as SVG: a row for each check, what is flawed on the left."""
    environment = Environment(
        loader=FileSystemLoader(DOCS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rows = [
        Row(line.name, *_charts(flawed, fixed, number))
        for number, line in enumerate(flawed.series.lines)
        if not line.is_stop
    ]
    sides = {"left": LEFT, "right": WIDTH - RIGHT, "top": TOP, "bottom": HEIGHT - BOTTOM}
    text = environment.get_template("lesson_chart.svg.jinja").render(
        name=name,
        of=digest(flawed.document, fixed.document),
        rows=rows,
        said=[str(side.result.verdict) for side in (flawed, fixed)],
        width=WIDTH,
        height=HEIGHT,
        plot=sides,
    )
    return f"{text.rstrip()}\n"


def _charts(flawed: Evidence, fixed: Evidence, number: int) -> tuple[Chart, Chart]:
    """Of one check, on the same scale."""

    def drawn(side: Evidence, other: Evidence) -> Chart:
        return draw_chart(
            side.series,
            number,
            span=judged_span(side),
            zero_ms=moments(side).injected_ms,
            data=judged_span(side),
            faults=fault_spans(side),
            beside=other.series.of(other.series.lines[number]).values(),
        )

    return drawn(flawed, fixed), drawn(fixed, flawed)


def newest_right(folders: Iterable[Path]) -> dict[str, Evidence]:
    """Of each lesson's experiments the newest run, given oldest first, that said what it should."""
    documents = {d.name: d for n in all_lessons() for d in (lesson(n).flawed, lesson(n).fixed)}
    found: dict[str, Evidence] = {}
    for folder in folders:
        if not (folder / "result.json").is_file():
            continue
        evidence = read_evidence(folder)
        document = documents.get(evidence.name)
        if document is None or evidence.result.verdict != EXPECTED[_side(evidence.name)]:
            continue
        if yaml.safe_load(evidence.document) == yaml.safe_load(document.text):
            found[evidence.name] = evidence
    return found


def _side(name: str) -> str:
    return FLAWED if name.endswith(FLAWED) else FIXED


def write_charts(state: Path) -> list[str]:
    """Draw every lesson of which both sides were run; the names."""
    runs = sorted((state / "runs").iterdir(), key=lambda run: run.stat().st_mtime)
    newest = newest_right(runs[-NEWEST_MAX:])
    written = []
    for name in all_lessons():
        flawed, fixed = newest.get(name + FLAWED), newest.get(name + FIXED)
        if flawed and fixed:
            CHARTS.mkdir(exist_ok=True)
            (CHARTS / f"{name}.svg").write_text(render(name, flawed, fixed), encoding="utf-8")
            written.append(name)
    return written


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1], "runs").is_dir():
        sys.exit(f"{__doc__}\nno folder 'runs' in STATE")
    print("\n".join(f"wrote docs/lessons/{name}.svg" for name in write_charts(Path(sys.argv[1]))))
