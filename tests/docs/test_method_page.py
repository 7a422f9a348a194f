"""Each example of the page about methods is a method that loads, and passes in virtual time."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import indent

import pytest

from chaosctl.experiment.load import load
from chaosctl.judge.verdict import Verdict
from monkeys.faults import FAULTS
from tests.simulated_run import assert_clean, run
from tests.simulated_target import SimulatedWorld

PAGE = Path(__file__).parents[2] / "docs" / "method.md"
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
ERRORS = "name,errors,:eq,:sum"
HEAD = f"""\
title: Nobody notices
target: {{driver: demo}}
baseline: {{for: 5s}}
hypothesis: [{{name: errors stay rare, query: "{ERRORS}", hold: {{below: 2%}}}}]
method:
"""


def test_page_has_an_example_of_every_kind_of_item():
    kinds = ["fault", "load", "wait", "manual", "parallel", "serial", "when", "after", "repeat"]
    kinds += ["ramp", "limits", "per-zone"]
    missing = [kind for kind in kinds if f"{kind}:" not in "".join(EXAMPLES)]
    assert missing == []


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_example_runs_and_passes(example, tmp_path):
    world = SimulatedWorld(tmp_path)
    world.store.values = {ERRORS: lambda _end, _hit: 0.001}
    experiment = load(HEAD + indent(example, "  "), "method.md", FAULTS)
    result = run(world, experiment, wait_for_person=lambda _text, _is_over: True)
    assert result.verdict is Verdict.PASSED, result.reason
    assert_clean(world, result)
