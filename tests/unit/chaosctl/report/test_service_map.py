"""The map at the worst moment: of when it is, what is marked, and that nothing overlaps."""

from __future__ import annotations

import itertools
import json
import re
import shutil
from pathlib import Path

import pytest

from chaosctl.report.evidence import check_facts, moments, read_evidence
from chaosctl.report.service_map import BOX_WIDTH, NODES_MAX, draw_service_map, worst_moment
from chaosctl.report.service_rows import nothing_known, service_rows

REPORTS = Path(__file__).resolve().parents[3] / "data" / "reports"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run with services, to be bent."""
    path = tmp_path / "run"
    shutil.copytree(REPORTS / "failed-services", path)
    return path


def bend(folder: Path, name: str, change: object) -> None:
    path = folder / name
    found = json.loads(path.read_text())
    change(found)  # type: ignore[operator]
    path.write_text(json.dumps(found))


def test_the_moment_is_that_of_the_check_that_matters_most(folder: Path) -> None:
    evidence = read_evidence(folder)
    worst = next(c for c in check_facts(evidence) if c.name == "starts as foreseen")
    moment = worst_moment(evidence)
    assert moment is not None
    assert worst.worst_ms is not None
    assert (moment.span.start_ms, moment.span.end_ms) == (worst.worst_ms - 3000, worst.worst_ms)
    assert "'starts as foreseen' was worst" in moment.text


def test_without_a_worst_value_the_map_is_of_the_whole_fault(folder: Path) -> None:
    bend(folder, "result.json", lambda r: [c.update(worst=None) for c in r["detail"]["checks"]])
    evidence = read_evidence(folder)
    moment, at = worst_moment(evidence), moments(evidence)
    assert moment is not None
    assert (moment.span.start_ms, moment.span.end_ms) == (at.injected_ms, at.removing_ms)


def test_what_broke_is_marked_and_nothing_else(folder: Path) -> None:
    drawn = draw_service_map(read_evidence(folder))
    assert drawn is not None
    assert [box.name for box in drawn.boxes if box.is_worse] == ["api ⚡ 2 of 4"]
    labels = {arrow.label for arrow in drawn.arrows if arrow.is_worse}
    assert len(labels) == 2
    assert any("fallback" in label for label in labels)
    recs = next(box for box in drawn.boxes if box.name == "recs")
    assert recs.lines[0].startswith("▼")


def test_boxes_stand_apart_and_on_the_canvas(folder: Path) -> None:
    drawn = draw_service_map(read_evidence(folder))
    assert drawn is not None
    for one, other in itertools.combinations(drawn.boxes, 2):
        is_beside = abs(one.x - other.x) >= BOX_WIDTH
        assert is_beside or one.y + one.height < other.y or other.y + other.height < one.y
    for box in drawn.boxes:
        assert 0 <= box.x <= drawn.width - BOX_WIDTH
        assert 0 <= box.y <= drawn.height - box.height
    for arrow in drawn.arrows:
        numbers = [float(n) for n in re.findall(r"[\d.]+", arrow.path)]
        assert max(numbers) <= max(drawn.width, drawn.height)


def test_a_crowd_of_services_is_cut_to_the_busiest(folder: Path) -> None:
    def crowd(series: dict) -> None:
        flows = series["traffic"]["flows"]
        rate = flows[0]["rate"]
        flows += [{"service": f"s{n}", "caller": "edge", "rate": rate} for n in range(60)]

    bend(folder, "series.json", crowd)
    drawn = draw_service_map(read_evidence(folder))
    assert drawn is not None
    assert len(drawn.boxes) == NODES_MAX
    assert drawn.left_out > 0


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("series.json", lambda s: s.pop("traffic"), "earlier version"),
        ("series.json", lambda s: s["traffic"].update(flows=[], trouble="store: gone"), "gone"),
        ("result.json", lambda r: r["detail"].update(ended_by="SIGINT"), "ended by SIGINT"),
    ],
)
def test_without_flows_the_reason_is_told(folder: Path, name, change, why) -> None:
    bend(folder, "series.json", lambda s: s["traffic"].update(flows=[]))
    bend(folder, name, change)
    evidence = read_evidence(folder)
    assert draw_service_map(evidence) is None
    assert service_rows(evidence) == []
    assert why in nothing_known(evidence)


def test_rows_have_those_in_trouble_first(folder: Path) -> None:
    rows = service_rows(read_evidence(folder))
    assert [row.facts.service for row in rows][:2] == ["api", "recs"]
    assert [row.is_late for row in rows] == [True, True, False, False, False]
    assert {row.outcome for row in rows[2:]} == {"steady all the time"}
