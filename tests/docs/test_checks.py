"""Every check in docs/checks.md is one that a document may have."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from chaosctl.experiment.checks import CHECK_FORM
from chaosctl.experiment.load import load
from chaosctl.experiment.probes import KINDS
from monkeys.faults import FAULTS

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "checks.md"
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
AROUND = """\
title: From the page
target: {{driver: demo}}
baseline: {{for: 4m}}
hypothesis:
{checks}
  - {{name: always there, query: "name,always,:eq,:sum", hold: {{above: 0}}}}
method:
  - {{fault: instance-kill, select: {{service: api, count: 1}}, for: 30s}}
"""


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_is_a_valid_hypothesis(example):
    text = AROUND.format(checks=textwrap.indent(example.rstrip(), "  "))
    experiment = load(text, "docs/checks.md", FAULTS)
    assert len(experiment.hypothesis) == example.count("name: ") + 1


def test_examples_of_stop_conditions_are_valid():
    (example,) = re.findall(
        r"^```yaml stop\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
    stops = f"stop:\n{textwrap.indent(example.rstrip(), '  ')}\n"
    experiment = load(AROUND.format(checks="") + stops, "docs/checks.md", FAULTS)
    assert [stop.probe.kind for stop in experiment.stop] == ["http", "http"]


def test_page_has_every_key_of_a_check_and_every_kind_of_probe():
    text = PAGE.read_text()
    condition = CHECK_FORM.keys["hold"].form
    keys = [*CHECK_FORM.keys, *condition.keys, *KINDS, "every", "timeout", "worse", "tolerance"]
    assert [key for key in keys if not re.search(rf"\b{key}\b", text)] == []
