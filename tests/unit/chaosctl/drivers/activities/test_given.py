"""Configuration and secrets: where they come from, and where secrets never go."""

from __future__ import annotations

import pytest

from chaosctl.drivers.activities.given import Given, look_up
from monkeys.errors import TargetFailed


def test_variables_are_typed_and_have_defaults():
    configuration = {
        "port": {"type": "env", "key": "PORT", "env_var_type": "int"},
        "rate": {"type": "env", "key": "RATE", "default": 0.5},
        "plain": "text",
    }
    given = look_up(configuration, {}, {"PORT": "8080"})
    assert given.values() == {"port": 8080, "rate": 0.5, "plain": "text"}


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ({"type": "env", "key": "PORT"}, "environment variable PORT is not set"),
        ({"type": "env", "key": "WORD", "env_var_type": "int"}, "variable WORD is no int"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(entry, what):
    with pytest.raises(TargetFailed, match=what) as caught:
        look_up({}, {"shop": {"token": entry}}, {"WORD": "many"})
    assert caught.value.where == "secrets.shop.token"
    assert caught.value.fix


def test_configuration_wins_over_secrets_and_scopes_choose():
    given = Given({"a": 1}, {"one": {"a": 2, "b": 3}, "two": {"b": 4}})
    assert given.values(("two",)) == {"a": 1, "b": 4}
    assert given.secrets_of(("one",)) == {"a": 2, "b": 3}


def test_secrets_are_hidden_in_every_spelling():
    given = Given({}, {"shop": {"token": 'p@ss "word"', "pin": 1234, "yes": True, "x": "ab"}})
    text = (
        'p@ss "word" | p@ss \\"word\\" | p%40ss%20%22word%22 | p%40ss+%22word%22 | 1234 | ab True'
    )
    assert given.hide(text) == " | ".join(["[secret]"] * 5) + " | ab True"
