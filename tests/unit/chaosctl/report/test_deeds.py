"""What was done to whom, from the journals of runs that ended in every way."""

from __future__ import annotations

import shutil
from pathlib import Path

from chaosctl.report.deeds import DEEDS_MAX, deeds, run_sentence
from chaosctl.report.evidence import Evidence, read_evidence
from tests.simulated_run import make_experiment, run
from tests.simulated_target import SimulatedWorld

DATA = Path(__file__).resolve().parents[3] / "data"


def ran(tmp_path: Path, **changes: object) -> Evidence:
    world = SimulatedWorld(tmp_path)
    world.store.values = {"starts": lambda _end, _hit: 1.0, "errors": lambda _end, _hit: 0.0}
    result = run(world, make_experiment(**changes))
    assert result.folder is not None
    return read_evidence(result.folder)


def test_a_real_run_says_which_zone_and_services():
    evidence = read_evidence(DATA / "runs" / "20261121-1459-7k7")
    assert run_sentence(evidence).endswith(
        "7k7 on demo (demo-af7bb22c), begun 2026-11-21 14:59:48 UTC."
    )
    (deed,) = deeds(evidence)
    assert deed.startswith("zone-outage on 11 of 66 instances (us-east-1a: 1 abtest, 2 api, ")
    assert deed.endswith("seen at 11 of 11 after 608 ms; seen gone at 11 of 11 by +31.8 s.")


def test_a_run_that_was_not_started_did_nothing(tmp_path):
    world = SimulatedWorld(tmp_path)
    world.store.values = {"starts": lambda _end, _hit: 0.1, "errors": lambda _end, _hit: 0.0}
    result = run(world)
    assert result.folder is not None
    assert deeds(read_evidence(result.folder)) == ["Nothing was injected."]


def test_a_killed_run_does_not_claim_that_it_saw_the_end(tmp_path):
    whole = ran(tmp_path / "state").result.folder
    assert whole is not None
    folder = tmp_path / "killed"
    shutil.copytree(whole, folder)
    lines = (folder / "journal.jsonl").read_text().splitlines(keepends=True)
    kept = next(i for i, line in enumerate(lines) if '"event":"confirm"' in line)
    (folder / "journal.jsonl").write_text("".join(lines[:kept]))
    (deed,) = deeds(read_evidence(folder))
    assert deed.endswith("not confirmed; the run did not see it gone.")


def test_many_injections_are_counted(tmp_path):
    evidence = ran(tmp_path)
    (inject,) = evidence.all("inject")
    more = Evidence(
        evidence.result,
        evidence.series,
        [inject] * (DEEDS_MAX + 3),
        evidence.plan,
        evidence.document,
    )
    assert deeds(more)[DEEDS_MAX:] == ["3 more injections are in the journal."]
