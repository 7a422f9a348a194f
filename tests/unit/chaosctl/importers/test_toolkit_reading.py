"""Chaos Toolkit documents as they are read: errors and warnings at their places."""

from __future__ import annotations

import json

import pytest

from chaosctl.errors import InvalidExperiment
from chaosctl.importers.toolkit_document import groups, longest_ms, unobserved
from chaosctl.importers.toolkit_experiment import as_experiment, load_any
from chaosctl.importers.toolkit_nodes import is_toolkit
from chaosctl.importers.toolkit_reading import read_toolkit

PROBE = "{type: probe, name: up, tolerance: 0, provider: {type: process, path: 'true'}}"
ACTION = "{type: action, name: hit, provider: {type: python, module: m, func: f}}"
WHOLE = f"""title: t
description: d
steady-state-hypothesis: {{title: h, probes: [{PROBE}]}}
method: [{ACTION}, {{ref: up}}]
rollbacks: [{ACTION.replace("hit", "heal")}]
"""


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidExperiment) as caught:
        read_toolkit(text, "a.yaml")
    return [f"{p.where}: {p.what} | {p.fix}" for p in caught.value.problems]


def warnings(text: str) -> list[str]:
    return [f"{w.where}: {w.what}" for w in read_toolkit(text, "a.yaml").warnings]


def test_a_whole_document_has_nothing_to_say_against_it():
    document = read_toolkit(WHOLE, "a.yaml", name="a")
    assert [each.name for each in document.method] == ["hit", "up"]
    assert document.warnings == ()
    assert as_experiment(document).hypothesis[0].query == "probe:up"
    assert load_any_text(WHOLE).origin == document


def load_any_text(text: str):
    from chaosctl.experiment.load import Document

    return load_any(Document("a", "a.yaml", text))


def test_json_with_tabs_escapes_and_pairs_is_read():
    text = json.dumps({"title": "t \U0001f600", "description": "a/b", "method": []}, indent="\t")
    document = read_toolkit(text.replace("a/b", "a\\/b"), "a.json")
    assert (document.title, document.description) == ("t \U0001f600", "a/b")


MISTAKES = {
    "hypothesis misspelt": (
        WHOLE.replace("steady-state-hypothesis", "steady-state-hypotesis"),
        "a.yaml:3:1: unknown key 'steady-state-hypotesis' in the document | did you mean "
        "'steady-state-hypothesis'?",
    ),
    "hypothesis shortened": (
        WHOLE.replace("steady-state-hypothesis", "hypothesis"),
        "a.yaml:3:1: unknown key 'hypothesis' in the document | did you mean",
    ),
    "rollbacks misspelt": (
        WHOLE.replace("rollbacks", "rollback"),
        "a.yaml:5:1: unknown key 'rollback' in the document | did you mean 'rollbacks'?",
    ),
    "tolerance misspelt": (
        WHOLE.replace("tolerance", "tolerence"),
        "a.yaml:3:70: unknown key 'tolerence' in an activity | did you mean 'tolerance'?",
    ),
    "provider of unknown type": (
        WHOLE.replace("type: python", "type: pyton"),
        "a.yaml:4:53: 'type' cannot be 'pyton' | did you mean 'python'?",
    ),
    "provider lacks a key": (
        WHOLE.replace(", func: f", ""),
        "a.yaml:4:46: a provider of type python lacks 'func' | add 'func'",
    ),
    "range of NaN": (
        WHOLE.replace("tolerance: 0", "tolerance: {type: range, range: [.nan, 1]}"),
        "a.yaml:3:102: a range has two numbers",
    ),
    "tolerance of NaN": (
        WHOLE.replace("tolerance: 0", "tolerance: .nan"),
        "a.yaml:3:81: a tolerance of nan is never met",
    ),
    "bad pattern": (
        WHOLE.replace("tolerance: 0", "tolerance: {type: regex, pattern: '('}"),
        "a.yaml:3:104: not a pattern",
    ),
    "bad path": (
        WHOLE.replace("tolerance: 0", "tolerance: {type: jsonpath, path: '$['}"),
        "a.yaml:3:104: not a JSON path",
    ),
    "unknown reference": (
        WHOLE.replace("ref: up", "ref: upp"),
        "no activity is named 'upp' | did you mean 'up'?",
    ),
    "vault": (
        WHOLE + "secrets: {s: {k: {type: vault, path: x}}}\n",
        "a.yaml:6:18: secrets from a vault are not supported | put it into the environment",
    ),
    "pause with a unit": (
        WHOLE.replace("name: hit,", "name: hit, pauses: {after: 5s},"),
        "expected seconds, found '5s' | a number of seconds",
    ),
    "unknown strategy": (
        WHOLE + "runtime: {hypothesis: {strategy: continuous}}\n",
        "unknown strategy 'continuous' | did you mean 'continuously'?",
    ),
    "no method": (
        "title: t\ndescription: d\nrollbacks: []\n",
        "a.yaml:1:1: the document lacks its method",
    ),
    "two probes of a name": (
        WHOLE.replace(f"[{PROBE}]", f"[{PROBE}, {PROBE}]"),
        "two probes have the name 'up'",
    ),
    "duplicate key": (WHOLE + "title: again\n", "a.yaml:6:1: key 'title' stands here twice"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistake_is_named_at_its_place(case):
    text, expected = MISTAKES[case]
    found = problems(text)
    assert any(expected in problem for problem in found), "\n".join(found)


WARNINGS = {
    "unknown key": (WHOLE + "owner: me\n", "a.yaml:6:1: unknown key 'owner' in the document means"),
    "no observer": (WHOLE.replace(", {ref: up}", ""), "a.yaml:4:10: nothing observes action 'hit'"),
    "no rollbacks": (WHOLE[: WHOLE.index("rollbacks")], "there are no rollbacks"),
    "controls": (WHOLE + "controls: []\n", "a.yaml:6:1: controls are not supported"),
    "literal secret": (WHOLE + "secrets: {s: {k: abc}}\n", "secret 'k' stands in the document"),
    "strategy": (
        WHOLE + "runtime: {hypothesis: {strategy: skip}}\n",
        "strategy 'skip' judges nothing",
    ),
    "rollback strategy": (
        WHOLE + "runtime: {rollbacks: {strategy: never}}\n",
        "a.yaml:6:33: strategy 'never': rollbacks run here whatever happens",
    ),
    "process action": (
        WHOLE.replace("type: python, module: m, func: f", "type: process, path: x"),
        "action 'hit' has failed here if it ends with a status other than 0",
    ),
    "no action": (WHOLE.replace(f"{ACTION}, ", ""), "the method has no action"),
    "no hypothesis": (
        f"title: t\ndescription: d\nmethod: [{ACTION}]\n",
        "there is no hypothesis",
    ),
}


@pytest.mark.parametrize("case", WARNINGS)
def test_difference_is_a_warning_at_its_place(case):
    text, expected = WARNINGS[case]
    found = warnings(text)
    assert any(expected in warning for warning in found), "\n".join(found)


def test_a_secret_in_the_document_is_not_in_its_text():
    document = read_toolkit(WHOLE + "secrets: {s: {k: hunter2}}\n", "a.yaml")
    assert "hunter2" not in document.text
    assert "k: [secret]" in document.text
    assert "hunter2" not in repr(load_any_text(document.text).experiment)


def method(*kinds: str):
    names = {
        "a": ACTION,
        "o": PROBE.replace("up", "seen"),
        "p": PROBE.replace("tolerance: 0, ", ""),
    }
    items = ", ".join(names[kind].replace("name: ", f"name: {n}") for n, kind in enumerate(kinds))
    return read_toolkit(f"title: t\ndescription: d\nmethod: [{items}]\n", "a.yaml").method


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ("", []),
        ("po", []),
        ("ao", [((0,), (1,))]),
        ("apo", [((0,), (2,))]),
        ("aao", [((0, 1), (2,))]),
        ("aooao", [((0,), (1, 2)), ((3,), (4,))]),
        ("aoa", [((0,), (1,)), ((2,), ())]),
        ("oa", [((1,), ())]),
    ],
)
def test_a_probe_with_a_tolerance_observes_the_actions_before_it(kinds, expected):
    found = method(*kinds)
    assert [(group.actions, group.observers) for group in groups(found)] == expected
    assert len(unobserved(found)) == sum(len(a) for a, o in expected if not o)


def test_the_longest_duration_counts_pauses_limits_and_what_runs_beside():
    text = WHOLE.replace("name: hit,", "name: hit, timeout: 4, pauses: {before: 1, after: 2},")
    assert longest_ms(read_toolkit(text, "a.yaml")) == (1 + 2 + 4 + 30) * 1000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (WHOLE, True),
        ("{title: t, method: [{ref: x}]}", True),
        ("title: t\ntarget: {driver: demo}\nmethod: [{fault: instance-kill}]\n", False),
        ("title: t\nmethod: [{fault: instance-kill}]\n", False),
        ("[1, 2]", False),
        ("", False),
    ],
)
def test_a_toolkit_document_is_recognised(text, expected):
    assert is_toolkit(text, "a.yaml") is expected
