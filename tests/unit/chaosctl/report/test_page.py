"""The HTML report: in order, by itself, and not to be broken by what it tells of."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from chaosctl.engine.flows import FLOWS_MAX, STEPS_MAX
from chaosctl.engine.result import read_result
from chaosctl.report.accepted_difference import accepted_difference
from chaosctl.report.evidence import read_evidence
from chaosctl.report.json_lines import to_json_line
from chaosctl.report.markdown import code, escape, render_markdown
from chaosctl.report.page import render_html, report_as_json

DATA = Path(__file__).resolve().parents[3] / "data"
RUNS = sorted(p for kind in ("reports", "runs") for p in (DATA / kind).iterdir() if p.is_dir())
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>'\"`&{{7*7}} |x"


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and the text of each section."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        (self.scripts if self._in_script else self.words).append(data)


@pytest.fixture
def hostile_run(tmp_path: Path) -> Path:
    """The run that failed, with a hostile text wherever a text can stand."""
    folder = tmp_path / "20260314-0915-k7f"
    shutil.copytree(DATA / "reports" / "failed", folder)
    quoted = json.dumps(HOSTILE)[1:-1]
    for name in ("result.json", "series.json", "plan.json", "journal.jsonl"):
        path = folder / name
        text = path.read_text()
        for word in ("starts succeed", "status 5xx: 88%", "i-00api", "viewers give up", "small"):
            text = text.replace(word, quoted)
        path.write_text(text)
    (folder / "document.yaml").write_text(f"# {HOSTILE}\n")
    return folder


@pytest.mark.parametrize("run", RUNS, ids=lambda path: path.name)
def test_page_has_its_sections_in_order_and_is_small(run: Path) -> None:
    text = render_html(read_evidence(run), before=read_result(DATA / "reports" / "passed"))
    ids = [a["id"] for tag, a in Page(text).elements if tag == "section"]
    assert ids == [
        "what", "timeline", "charts", "checks", "recovery", "undo", "statistics", "difference",
        "map", "document", "repeat",
    ]  # fmt: skip
    assert len(text.encode()) <= 400_000


@pytest.mark.parametrize("run", RUNS, ids=lambda path: path.name)
def test_page_refers_to_nothing_outside_itself(run: Path) -> None:
    page = Page(render_html(read_evidence(run)))
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form", "a"), tag
        for name in ("src", "href", "xlink:href", "action", "data", "style", "srcset"):
            assert name not in attributes, (tag, attributes)
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv"))
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe-inline'; script" in policy  # styles only
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/=]{44}'$", policy)


def test_page_carries_its_data(tmp_path: Path) -> None:
    evidence = read_evidence(DATA / "reports" / "failed")
    data = json.loads(Page(render_html(evidence)).scripts[0])
    assert data == json.loads(to_json_line(report_as_json(evidence)))
    errors = data["lines"][1]
    assert max(v for v in errors["values"] if v is not None) == pytest.approx(0.06, abs=0.01)


def test_hostile_texts_stay_texts(hostile_run: Path) -> None:
    evidence = read_evidence(hostile_run)
    before = read_result(hostile_run)
    text = render_html(evidence, before=before)
    page = Page(text)
    assert [a.get("type") for tag, a in page.elements if tag == "script"] == [
        "application/json", None
    ]  # fmt: skip
    assert not any(tag == "img" or "onerror" in a for tag, a in page.elements)
    assert HOSTILE in "".join(page.words)
    assert "alert(1)" not in page.scripts[1]
    data = json.loads(page.scripts[0])
    assert HOSTILE in {line["name"] for line in data["lines"]}


def test_hostile_services_and_files_stay_texts(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(DATA / "reports" / "failed-services", folder)
    path = folder / "series.json"
    stored = json.loads(path.read_text())
    for flow in stored["traffic"]["flows"]:
        for key in ("service", "caller"):
            flow[key] = flow[key].replace("recs", HOSTILE)
    for line in stored["lines"]:
        line["against"] = line["against"].replace("name,errors.edge,:eq,:sum", HOSTILE)
    stored["series"][HOSTILE] = stored["series"].pop("name,errors.edge,:eq,:sum")
    path.write_text(json.dumps(stored))
    evidence = read_evidence(folder)
    accepted = accepted_difference(evidence.result, Path(HOSTILE))
    text = render_html(evidence, accepted=accepted)
    page = Page(text)
    assert sum(tag == "script" for tag, _ in page.elements) == 2
    assert not any(tag == "img" or "onerror" in a for tag, a in page.elements)
    words = "".join(page.words)
    assert words.count(HOSTILE) >= 5
    assert f"{HOSTILE} cannot be compared with" in words
    assert any(HOSTILE in row["service"] for row in json.loads(page.scripts[0])["services"])


def test_what_a_check_was_judged_by_is_in_its_chart() -> None:
    text = render_html(read_evidence(DATA / "reports" / "failed-services"))
    page = Page(text)
    paths = {a.get("class"): str(a["d"]) for tag, a in page.elements if tag == "path"}
    assert paths["corridor"].startswith("M")
    assert paths["corridor"].endswith("Z")
    assert paths["corridor"].count("L") == 2 * 20 - 1 + 40  # there and back, 40 steps
    assert len(paths["other"]) > 500
    plain = Page(render_html(read_evidence(DATA / "reports" / "failed")))
    assert not {"corridor", "other"} & {a.get("class") for tag, a in plain.elements}


def test_a_long_run_of_many_services_is_small_enough(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(DATA / "reports" / "failed-services", folder)
    path = folder / "series.json"
    stored = json.loads(path.read_text())
    start_ms = stored["baseline"]["start_ms"] - 480_000
    values = [1234.57 + 10 * (n % 7) for n in range(STEPS_MAX)]
    rate = {"start_ms": start_ms + 1000, "values": values}
    names = [f"a-service-with-a-name-{number}" for number in range(40)]
    own = [{"service": name, "caller": "", "rate": rate, "failed": rate} for name in names]
    calls = [
        {"service": names[n % 40], "caller": names[(7 * n + n // 40) % 40], "rate": rate}
        for n in range(FLOWS_MAX - 40)
    ]
    stored["traffic"]["flows"] = own + calls
    path.write_text(json.dumps(stored))
    text = render_html(read_evidence(folder))
    assert names[39] in text
    assert len(text.encode()) <= 400_000


def test_events_are_told_to_somebody_who_was_not_there() -> None:
    run = DATA / "reports" / "failed-services"
    words = "".join(Page(render_html(read_evidence(run))).words)
    for text in (
        "network-latency goes in on 2 instances",
        "network-latency seen on 2 of 2 instances after",
        "network-latency on 2 instances taken back in",
        "seen to be gone on 2 of 2 instances",
        "circuit from api to recs open, in up to 2 instances",
        "knows 6 instances, 8 before",
        "failed, undo clean, exit code 1",
    ):
        assert text in words


def test_hostile_texts_stay_texts_in_markdown(hostile_run: Path) -> None:
    evidence = read_evidence(hostile_run)
    text = render_markdown(evidence, before=read_result(DATA / "reports" / "passed"))
    assert not re.search(r"(?<!\\)<", text.replace("`", ""))
    rows = [line for line in text.splitlines() if line.startswith("| ") and "script" in line]
    assert rows
    for row in rows:  # a bar of its own would shift the columns
        assert len(re.findall(r"(?<!\\)\|", row)) in (5, 9), row


def test_code_spans_cannot_be_left() -> None:
    assert code("a `b` c") == "`` a `b` c ``"
    assert escape("see https://evil.test/ @team") == "see https:\u200b//evil.test/ \\@team"


def test_a_run_without_samples_or_journal_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    shutil.copy(DATA / "reports" / "aborted" / "result.json", folder)
    text = render_html(read_evidence(folder))
    assert "Not all of this run could be read: no journal" in text
    assert "no samples were taken" in text
    shutil.copy(DATA / "reports" / "aborted" / "journal.jsonl", folder)
    assert "kept no samples" in render_html(read_evidence(folder))


def test_a_run_ended_by_its_watchdog_is_told_from_its_journal(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(DATA / "reports" / "failed", folder)
    path = folder / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"detail": {}, "verdict": "aborted"}))
    evidence = read_evidence(folder)
    assert (evidence.name, evidence.seed) == ("zone", 4711)
    assert 'class="faulted"' in render_html(evidence)
