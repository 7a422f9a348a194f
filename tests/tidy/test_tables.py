"""Every file of a kind stands in the table of its kind, and every row has its data."""

from __future__ import annotations

import ast
import keyword
from dataclasses import dataclass

import pytest

DEMO = "targets/demo-platform/demo_platform"


@dataclass(frozen=True, slots=True)
class Table:
    """The folder of a kind, the tables that list it, its rows' data, and files that are no rows."""

    folder: str
    names: tuple[str, ...]
    home: str
    data: str = ""
    others: tuple[str, ...] = ()


TABLES = {
    "fault": Table("monkeys/faults", ("FAULTS",), "__init__.py", "tests/data/faults/{}.yaml"),
    "driver": Table("chaosctl/drivers", ("DRIVERS",), "__init__.py"),
    "service": Table(f"{DEMO}/services", ("SERVICES",), "__init__.py"),
    "command": Table(
        "chaosctl/commands",
        ("COMMANDS", "GROUPS"),
        "../cli.py",
        "tests/data/cli/{}.txt",
        others=("options", "tour", "demo_groups"),  # what they share; parts of `demo`
    ),
}


def rows(tree: ast.Module, table: str) -> list[str]:
    """Keys of a dictionary that is written out at the top of a file, in order."""
    for node in tree.body:
        names = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(n, ast.Name) and n.id == table for n in names):
            value = node.value
            assert isinstance(value, ast.Dict), f"{table} is a dictionary that is written out"
            return [k.value for k in value.keys if isinstance(k, ast.Constant)]
    return []


def file_of(name: str) -> str:
    """The module of a row; one that is a word of the language ends with an underscore."""
    return f"{name}_" if keyword.iskeyword(name) else name.replace("-", "_")


@pytest.mark.parametrize("kind", TABLES)
def test_every_file_of_a_kind_is_in_its_table(kind, root, report):
    table = TABLES[kind]
    home = (root / table.folder / table.home).resolve()
    tree = ast.parse(home.read_text(encoding="utf-8"))
    found = [rows(tree, name) for name in table.names]
    listed = [name for names in found for name in names]
    stems = {p.stem for p in (root / table.folder).glob("*.py")} - {"__init__", *table.others}
    known = {file_of(name): name for name in listed}
    broken = [f"{table.folder}/{s}.py:1: stands in {table.names[0]}" for s in stems - set(known)]
    broken += [f"{table.folder}/{s}.py:1: has no file" for s in set(known) - stems]
    broken += [
        f"{table.folder}/{stem}.py:1: has its data in {table.data.format(name)}"
        for stem, name in known.items()
        if table.data and not (root / table.data.format(name)).exists()
    ]
    if kind != "command":  # commands stand in the order in which a person meets them
        broken += [f"{home}:1: {table.names[0]} is sorted" for n in found if n != sorted(n)]
    report(sorted(broken))


def test_every_experiment_has_its_expected_verdict(root, report):
    report(
        f"experiments/{path.name}:1: its verdict stands in tests/data/verdicts/{path.name}"
        for path in sorted((root / "experiments").glob("*.yaml"))
        if not (root / "tests/data/verdicts" / path.name).exists()
    )
