"""Reports of recorded runs: tests/data/reports/<verdict>/ is a run folder, the files beside it are
what is said of it. `make accept` rewrites them; `python -m tests.recorded_runs` makes the folders.
"""

from __future__ import annotations

import difflib
import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from chaosctl.report.evidence import Evidence, read_evidence
from chaosctl.report.github import annotations_of
from chaosctl.report.json_lines import to_json_line
from chaosctl.report.markdown import render_markdown
from chaosctl.report.page import report_as_json
from chaosctl.report.result_text import render_result
from chaosctl.report.sarif import sarif_of
from chaosctl.report.schemas import report_schema, result_schema, series_schema

DATA = Path(__file__).resolve().parent.parent / "data"
FOLDER = DATA / "reports"
RUNS = sorted(path for path in FOLDER.iterdir() if path.is_dir())
REAL_RUNS = sorted(path for path in (DATA / "runs").iterdir() if path.is_dir())


def before() -> Evidence:
    return read_evidence(FOLDER / "passed")


def as_markdown(evidence: Evidence) -> str:
    images = {"errors stay rare": "png/1.png", "starts | succeed": "png/2.png"}
    return render_markdown(evidence, before=before().result, images=images)


def as_sarif(evidence: Evidence) -> str:
    return json.dumps(sarif_of([evidence], "0.1.0"), indent=1) + "\n"


def as_annotations(evidence: Evidence) -> str:
    return "".join(f"{line}\n" for line in annotations_of(evidence))


def as_text(evidence: Evidence) -> str:
    return render_result(evidence.result, before=before().result) + "\n"


VIEWS: dict[str, Callable[[Evidence], str]] = {
    "md": as_markdown,
    "sarif": as_sarif,
    "annotations.txt": as_annotations,
    "txt": as_text,
}


@pytest.mark.parametrize("suffix", VIEWS)
@pytest.mark.parametrize("run", RUNS, ids=lambda path: path.name)
def test_report_says_what_the_file_says(run, suffix, request, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    now = VIEWS[suffix](read_evidence(run))
    path = FOLDER / f"{run.name}.{suffix}"
    if request.config.getoption("--accept"):
        path.write_text(now, encoding="utf-8")
        return
    expected = path.read_text(encoding="utf-8")
    diff = "\n".join(difflib.unified_diff(expected.splitlines(), now.splitlines(), "file", "now"))
    assert expected == now, diff


def test_there_is_a_run_of_each_kind():
    verdicts = {run.name: run.name.split("-")[0] for run in RUNS}
    assert set(verdicts.values()) == {"aborted", "failed", "inconclusive", "passed"}
    assert all(read_evidence(run).result.verdict == verdicts[run.name] for run in RUNS)


def test_sarif_is_valid_by_its_own_schema():
    packed = (DATA / "sarif" / "schema-2.1.0.json.gz").read_bytes()
    schema = json.loads(gzip.decompress(packed))
    check = jsonschema.Draft4Validator(schema)
    found = [read_evidence(run) for run in (*RUNS, *REAL_RUNS)]
    log = json.loads(json.dumps(sarif_of(found, "0.1.0")))
    assert [error.message for error in check.iter_errors(log)] == []
    results = log["runs"][0]["results"]
    assert {r["level"] for r in results} == {"error", "warning", "none"}
    del log["runs"][0]["results"][0]["message"]
    assert list(check.iter_errors(log)), "the schema would let anything pass"


@pytest.mark.parametrize("run", [*RUNS, *REAL_RUNS], ids=lambda path: path.name)
def test_what_a_run_leaves_is_as_its_published_schemas_say(run):
    def errors(schema: dict[str, object], value: object) -> list[str]:
        jsonschema.Draft202012Validator.check_schema(schema)
        found = jsonschema.Draft202012Validator(schema).iter_errors(value)
        return [f"{error.json_path}: {error.message}" for error in found]

    assert errors(result_schema(), json.loads((run / "result.json").read_text())) == []
    assert errors(series_schema(), json.loads((run / "series.json").read_text())) == []
    report = json.loads(to_json_line(report_as_json(read_evidence(run))))
    assert errors(report_schema(), report) == []
    assert errors(report_schema(), report | {"undo": "all"})
