"""The planned platform has the document of a running one."""

from __future__ import annotations

import json

import pytest

from demo_platform.__main__ import main
from demo_platform.document import SCHEMA


def test_topology_prints_the_plan_and_starts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["topology", "--size", "small", "--seed", "4"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["state"], document["size"]) == (SCHEMA, "planned", "small")
    assert len(document["instances"]) == 48
    assert len(document["traffic"]) == 1
    for instance in (*document["instances"], *document["traffic"]):
        assert (instance["pid"], instance["state"], instance["link"]) == (0, "planned", "")


def test_mistake_is_one_line_and_a_fix(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["topology", "--size", "larg"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("--size: unknown size 'larg'\n  fix: ")
    assert said.count("\n") == 2
