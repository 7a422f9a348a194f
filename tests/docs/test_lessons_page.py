"""docs/lessons.md says what the lessons' files say, and its charts are of runs of these files."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

from chaosctl.experiment.lessons import all_lessons, lesson, story
from chaosctl.report.evidence import Evidence, read_evidence
from tests.expected_verdicts import bundled_verdicts, lesson_verdicts, lessons

ROOT = Path(__file__).resolve().parents[2]
RUNS = ROOT / "tests" / "data" / "reports"
CHART_BYTES_MAX = 40_000
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def charts(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool that draws them; docs/ is no package."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    return import_module("lesson_charts")


@pytest.fixture
def page(charts: ModuleType) -> str:
    """The page as its files would make it now."""
    written = import_module("lessons_page").lessons_page
    made_by = import_module("generate").MADE_BY
    return "\n\n".join(written(ROOT / "tests/data/verdicts/lessons", made_by)) + "\n"


def runs(flawed: str = "failed", fixed: str = "passed") -> tuple[Evidence, Evidence]:
    """Two runs of the same experiment, which broke and held."""
    return read_evidence(RUNS / flawed), read_evidence(RUNS / fixed)


def words(svg: str) -> list[str]:
    """What the texts of a drawing say."""
    return ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_page_is_what_the_files_say(page: str) -> None:
    assert (ROOT / "docs/lessons.md").read_text(encoding="utf-8") == page, "run `make docs`"


@pytest.mark.parametrize("name", all_lessons())
def test_page_tells_each_lesson(page: str, name: str) -> None:
    said, taught = lessons()[name], lesson(name)
    section = page.split(f"\n## {name}\n")[1].split("\n## ", maxsplit=1)[0]
    wanted = [said["switch"], *said["failed"], *story(taught.flawed), *story(taught.fixed)]
    wanted += [f"chaosctl run {name}-flawed", f"chaosctl run {name}-fixed"]
    assert [words for words in wanted if words not in section] == []


@pytest.mark.parametrize("expected", [bundled_verdicts(), lesson_verdicts()])
def test_reasons_are_tags(expected: dict[str, dict[str, Any]]) -> None:
    reasons = [one for want in expected.values() for one in want.get("because", [])]
    assert reasons
    assert [one for one in reasons if not re.fullmatch(r"[a-z.]+=[a-z0-9-]+", one)] == []


def test_charts_are_small_and_of_lessons_that_there_are(charts: ModuleType) -> None:
    for chart in charts.CHARTS.iterdir():
        assert chart.suffix == ".svg"
        assert chart.stem in all_lessons()
        assert chart.stat().st_size < CHART_BYTES_MAX
        ElementTree.fromstring(chart.read_text(encoding="utf-8"))


def test_chart_has_the_checks_of_both_sides_with_fault_and_limit(charts: ModuleType) -> None:
    flawed, fixed = runs()
    svg = charts.render("tried", flawed, fixed)
    names = [line.name for line in flawed.series.lines if not line.is_stop]
    said = words(svg)
    assert [name for name in names if name not in said] == []
    assert "flawed: failed" in said
    assert "fixed: passed" in said
    assert said.count(flawed.series.lines[0].limit_text) >= 2
    assert svg.count('class="fault"') >= 2 * len(names)


def test_both_sides_of_a_check_have_one_scale(charts: ModuleType) -> None:
    flawed, fixed = runs()
    rows = [charts._charts(flawed, fixed, number) for number in range(len(flawed.series.lines))]
    assert all(left.y_ticks == right.y_ticks for left, right in rows)


def test_chart_of_other_documents_is_not_shown(
    charts: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    taught = lesson(all_lessons()[0])
    monkeypatch.setattr(charts, "CHARTS", tmp_path)
    assert not charts.is_current(taught)
    drawn = f"<desc>{charts.digest(taught.flawed.text, taught.fixed.text)}</desc>"
    (tmp_path / f"{taught.name}.svg").write_text(drawn)
    assert charts.is_current(taught)
    (tmp_path / f"{taught.name}.svg").write_text(drawn.replace("<desc>", "<desc>0"))
    assert not charts.is_current(taught)


def test_digest_is_of_what_documents_say(charts: ModuleType) -> None:
    assert charts.digest("# one\na: 1", "b: 2") == charts.digest("a:   1", "# two\nb: 2")
    assert charts.digest("a: 1", "b: 2") != charts.digest("a: 1", "b: 3")
