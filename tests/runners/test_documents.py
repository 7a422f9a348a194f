"""Documents that are right load; each wrong one gives exactly the errors in the file beside it.

`bad/NAME.yaml` has its errors, as a person reads them, in `bad/NAME.expected`; `--accept` rewrites
those. `settings/*.yaml` say what `--set` does to the smallest document.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from chaosctl.errors import InvalidExperiment
from chaosctl.experiment.document import document_form
from chaosctl.experiment.forms import MapForm
from chaosctl.experiment.lasting import all_last_ms
from chaosctl.experiment.load import bundled_names, decode, find, lesson_names, load, load_bundled
from chaosctl.experiment.schema import experiment_schema
from chaosctl.report.problems import render_problem
from monkeys.faults import FAULTS
from tests.expected_verdicts import lesson_verdicts, lessons

DATA = Path(__file__).parent.parent / "data" / "documents"
GOOD = sorted((DATA / "good").glob("*.yaml"))
BAD = sorted((DATA / "bad").glob("*.yaml"))
SETTINGS = yaml.safe_load((DATA / "settings.yaml").read_text())
SCHEMA_REFUSES = [
    "misspelt-keys",
    "misspelt-fault",
    "unknown-parameter",
    "duration-without-unit",
    "bad-policy",
    "lacks-everything",
    "lacking-parameter",
    "two-comparisons",
    "bad-switch",
    "bad-limits",
    "method-shapes",
]


def errors_of(data: bytes, name: str, settings: tuple[str, ...] = ()) -> str:
    with pytest.raises(InvalidExperiment) as caught:
        load(decode(data, name), name, FAULTS, settings=settings)
    return "".join(render_problem(problem) + "\n" for problem in caught.value.problems)


@pytest.mark.parametrize("path", GOOD, ids=lambda p: p.stem)
def test_good_document_loads(path):
    experiment = load(path.read_text(), path.name, FAULTS)
    assert experiment.name == path.stem
    assert experiment.hypothesis
    assert experiment.method


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_bad_document_gives_every_error_at_its_place(path, request):
    found = errors_of(path.read_bytes(), path.name)
    expected = path.with_suffix(".expected")
    if request.config.getoption("--accept"):
        expected.write_text(found)
    assert found == expected.read_text()


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_every_error_says_what_where_and_fix(path):
    with pytest.raises(InvalidExperiment) as caught:
        load(decode(path.read_bytes(), path.name), path.name, FAULTS)
    for problem in caught.value.problems:
        assert problem.what
        assert problem.where.startswith(path.name)
        assert problem.fix
    places = [(problem.line, problem.column) for problem in caught.value.problems]
    assert places == sorted(places)


@pytest.mark.parametrize("case", SETTINGS, ids=lambda c: " ".join(c["set"]))
def test_setting_changes_the_document_or_is_named_in_the_error(case):
    data = (DATA / "good" / "smallest.yaml").read_bytes()
    settings = tuple(case["set"])
    if "error" in case:
        assert errors_of(data, "smallest.yaml", settings) == case["error"]
        return
    value: Any = load(decode(data, "a"), "a", FAULTS, settings=settings)
    for step in str(case["path"]).split("."):
        value = _inside(value, step)
    assert value == case["value"]


def _inside(value: Any, step: str) -> Any:
    if step.isdigit():
        return value[int(step)]
    return value[step] if isinstance(value, dict) else getattr(value, step)


@pytest.mark.parametrize("name", bundled_names())
def test_bundled_experiment_loads_and_ends_soon(name):
    experiment = load_bundled(name)
    fault_ms = all_last_ms(experiment.method)
    assert experiment.baseline_ms + fault_ms + experiment.recovery_ms <= 50_000


@pytest.mark.parametrize("name", bundled_names())
def test_bundled_experiment_agrees_with_its_expected_verdict(name):
    expected = yaml.safe_load((DATA.parent / "verdicts" / f"{name}.yaml").read_text())
    experiment = load_bundled(name)
    assert set(expected["failed"]) <= {check.name for check in experiment.hypothesis}
    assert (expected["verdict"] == "failed") == bool(expected["failed"])
    if expected["verdict"] == "failed":
        found = find(name)
        setting = expected["passes-with"]
        fixed = load(found.text, found.source, FAULTS, settings=(setting,))
        is_switch = setting.startswith("target.switches.")
        if is_switch:
            switch = setting.removeprefix("target.switches.").partition("=")[0]
            assert experiment.target.options["switches"] == {switch: True}
            assert fixed.target.options["switches"] == {switch: False}
        assert (experiment.method == fixed.method) == is_switch


@pytest.mark.parametrize("name", lessons())
def test_a_lessons_two_experiments_differ_by_its_switch_alone(name):
    flawed, fixed = (yaml.safe_load(find(f"{name}-{kind}").text) for kind in ("flawed", "fixed"))
    switch = lessons()[name]["switch"]
    assert flawed["target"]["switches"].pop(switch) is True
    assert fixed["target"]["switches"].pop(switch) is False
    assert flawed.pop("title") != fixed.pop("title")
    assert flawed == fixed
    experiment = load_bundled(f"{name}-fixed")
    assert set(lessons()[name]["failed"]) <= {check.name for check in experiment.hypothesis}
    assert len(experiment.hypothesis) >= 2  # one for the viewers, one for the mechanism
    assert experiment.baseline_ms + all_last_ms(experiment.method) <= 16_000


def test_every_lesson_is_written_down():
    assert lesson_names() == sorted(lesson_verdicts())


def test_switches_are_those_of_the_demo_platform():
    from demo_platform.knobs import NAMES

    target = document_form(FAULTS).keys["target"].form
    assert isinstance(target, MapForm)
    switches = target.keys["switches"].form
    assert isinstance(switches, MapForm)
    assert tuple(switches.keys) == NAMES


def test_schema_takes_every_good_document():
    schema = experiment_schema(FAULTS)
    paths = [*GOOD, *(p for p in map(Path, _bundled_files()) if p.suffix == ".yaml")]
    for path in paths:
        wrong = [*_violations(schema, yaml.safe_load(path.read_text()), path.stem)]
        assert not wrong


@pytest.mark.parametrize(
    "stem",
    SCHEMA_REFUSES,
)
def test_schema_refuses_a_bad_document(stem):
    document = yaml.safe_load((DATA / "bad" / f"{stem}.yaml").read_text())
    assert [*_violations(experiment_schema(FAULTS), document, stem)]


def _bundled_files() -> list[str]:
    return [str(path) for path in Path(str(resources.files("experiments"))).rglob("*")]


def _violations(schema: dict[str, Any], value: Any, at: str) -> list[str]:
    """What JSON Schema says of a value."""
    found = Draft202012Validator(schema).iter_errors(value)
    return [f"{at}: {error.json_path}: {error.message}" for error in found]


def test_schema_is_one():
    Draft202012Validator.check_schema(experiment_schema(FAULTS))
