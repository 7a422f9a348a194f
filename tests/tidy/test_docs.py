"""What a user can name is documented: commands, faults, experiments, variables."""

from __future__ import annotations

import re

from atlas.asl.words import CUSTOM, EVENT
from chaosctl.cli import COMMANDS, GROUPS
from monkeys.faults import FAULTS

VARIABLE = re.compile(r"\bCHAOSCTL_[A-Z_]+\b")


def test_every_command_is_documented(root, report):
    text = (root / "docs/cli.md").read_text(encoding="utf-8")
    names = [*COMMANDS, *(f"{g} {c.name}" for g in GROUPS for c in GROUPS[g].registered_commands)]
    report(
        f"docs/cli.md:1: command '{name}' is missing; run `make docs`"
        for name in names
        if f"## chaosctl {name}\n" not in text
    )


def test_every_fault_is_documented(root, report):
    text = (root / "docs/faults.md").read_text(encoding="utf-8")
    report(
        f"docs/faults.md:1: fault '{name}' is missing; run `make docs`"
        for name in FAULTS
        if f"## {name}\n" not in text
    )


def test_every_word_is_documented(root, report):
    text = (root / "docs/asl.md").read_text(encoding="utf-8")
    report(
        f"docs/asl.md:1: word ':{word.name}' is missing; run `make docs`"
        for word in (*CUSTOM, *EVENT)
        if f"### :{word.name}\n" not in text
    )


def test_every_experiment_is_documented(root, report):
    text = (root / "docs/experiments.md").read_text(encoding="utf-8")
    report(
        f"docs/experiments.md:1: experiment '{path.stem}' is missing; run `make docs`"
        for path in (root / "experiments").glob("*.yaml")
        if f"| {path.stem} |" not in text
    )


def test_every_variable_is_documented(root, product, report):
    text = (root / "docs/architecture.md").read_text(encoding="utf-8")
    report(
        f"{s.path}:{n}: {name} stands in docs/architecture.md"
        for s in product
        for n, line in enumerate(s.text.splitlines(), 1)
        for name in VARIABLE.findall(line)
        if f"`{name}`" not in text
    )
