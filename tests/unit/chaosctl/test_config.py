"""Settings of the machine: read strictly, or nothing is broken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chaosctl.config import load_config
from chaosctl.context import Context
from chaosctl.errors import InvalidExperiment
from chaosctl.experiment.model import Hours

RIGHT = """
[guards]
hours = "09:00-17:00"
days = ["mon", "tue"]
timezone = "UTC"
budget = {per-day-in-all = 20}
capacity = {min-healthy-share = 0.8}
[[guards.outage]]
query = "name,pages,:eq,:sum"
when = {above = 0}
"""
WRONG = {
    "[guards]\nhuors = 3\n": "unknown key 'huors' in the guards",
    "[gaurds]\n": "unknown key 'gaurds' in the settings",
    "guards = 3\n": "expected the guards, found the number 3",
    "[guards\n": "not TOML: expected ']'",
    "[guards]\nhours = 2026-01-01\n": "'2026-01-01' are no hours",
    "[guards]\nbudget = {per-day = true}\n": "expected a whole number, found 'true'",
    "[guards]\nholidays = 'none.ics'\n": "holidays 'none.ics' cannot be read",
    "a=" + "[" * 5000: "not TOML",
    "\udcff": "settings are not UTF-8",
}


def context_with(path: Path) -> Context:
    return Context(env={"CHAOSCTL_CONFIG": str(path), "HOME": str(path.parent)})


def write(path: Path, text: str) -> Context:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return context_with(path)


def test_settings_are_guards_that_name_their_file(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    config = load_config(write(path, RIGHT))
    (guards,) = config.guards
    assert guards.hours == Hours(540, 1020, "09:00-17:00")
    assert (guards.days, guards.per_day_in_all, guards.min_healthy_ratio) == ((0, 1), 20, 0.8)
    assert guards.outage[0].query == "name,pages,:eq,:sum"
    assert guards.source == str(path)
    assert path in config.read


def test_settings_that_are_not_there_demand_nothing(tmp_path: Path) -> None:
    assert load_config(context_with(tmp_path / "none.toml")).guards == ()
    empty = write(tmp_path / "empty.toml", "")
    assert load_config(empty).guards == ()


@pytest.mark.parametrize("text", WRONG, ids=list(WRONG.values()))
def test_settings_that_are_wrong_end_the_command(tmp_path: Path, text: str) -> None:
    path = tmp_path / "own.toml"
    with pytest.raises(InvalidExperiment) as caught:
        load_config(write(path, text))
    (problem,) = caught.value.problems
    assert problem.what.startswith(WRONG[text])
    assert problem.where == str(path)
    assert problem.fix


def test_settings_that_cannot_be_read_end_the_command(tmp_path: Path) -> None:
    """What they demand is not known then."""
    with pytest.raises(InvalidExperiment, match="cannot be read: is a directory"):
        load_config(context_with(tmp_path))
    large = tmp_path / "large.toml"
    with large.open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(InvalidExperiment, match="larger than 1 MB"):
        load_config(context_with(large))


def test_machine_and_user_have_a_file_each(tmp_path: Path) -> None:
    env = {"HOME": "/somewhere"}
    machine, own = Context(env=env).config_files
    assert str(machine) == "/etc/chaosctl/chaosctl.toml"
    assert str(own) == "/somewhere/.config/chaosctl/chaosctl.toml"
    xdg = replace(Context(), env={**env, "XDG_CONFIG_HOME": "/x"})
    assert str(xdg.config_files[1]) == "/x/chaosctl/chaosctl.toml"
