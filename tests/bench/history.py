"""How long a list of a thousand runs takes, and how large a report is."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from chaosctl.report.evidence import read_evidence
from chaosctl.report.page import render_html
from tests.bench.figure import Figure
from tests.integration.bed import Bed, made_bed

DATA = Path(__file__).resolve().parent.parent / "data"
RUN_COUNT = 1000
TRIES = 5
LIST_LIMIT_S = 0.5
REPORT_LIMIT_KB = 400.0


def measure(_options: argparse.Namespace) -> list[Figure]:
    """Copies of recorded runs, listed by the command as a person does it; the best of a few."""
    with made_bed() as bed:
        _add_runs(bed)
        first_s = bed.chaosctl("status", "--all").seconds
        seconds = [bed.chaosctl("status", "--all").seconds for _ in range(TRIES)]
    note = f"best of {TRIES}; {first_s:.1f} s the first time, when all folders are read"
    real = [path for path in (DATA / "runs").iterdir() if path.is_dir()]
    largest_kb = max(len(render_html(read_evidence(run)).encode()) / 1000 for run in real)
    return [
        Figure(f"list of {RUN_COUNT} runs", min(seconds), "s", LIST_LIMIT_S, note=note),
        Figure("HTML report of a run", largest_kb, "kB", REPORT_LIMIT_KB),
    ]


def _add_runs(bed: Bed) -> None:
    kinds = sorted(path for path in (DATA / "reports").iterdir() if path.is_dir())
    for number in range(RUN_COUNT):
        folder = bed.state / "runs" / f"20260314-{number:04}-k7f"
        shutil.copytree(kinds[number % len(kinds)], folder)
        path = folder / "result.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"run_id": folder.name}))
