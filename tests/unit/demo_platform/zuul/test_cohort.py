"""Whom a rule is for."""

from __future__ import annotations

import pytest

from demo_platform.errors import DemoError
from demo_platform.zuul.cohort import parse_cohort


@pytest.mark.parametrize(
    ("text", "member", "cohort", "is_meant"),
    [
        ("all", "", "", True),
        ("7", "7", "", True),
        ("7", "8", "", False),
        ("7, 100-199", "199", "", True),
        ("7, 100-199", "200", "", False),
        ("7", "seven", "", False),
        ("100%", "9", "", True),
        ("50%", "", "", False),
        ("cohort:experiment", "7", "experiment", True),
        ("cohort:experiment", "7", "control", False),
    ],
)
def test_has_whom_it_names(text: str, member: str, cohort: str, is_meant: bool) -> None:
    assert parse_cohort(text, salt="s", where="w").has(member, cohort) is is_meant


def test_a_share_is_always_the_same_members_and_another_rules_are_others() -> None:
    members = [str(n) for n in range(4000)]
    one = parse_cohort("5%", salt="one", where="w")
    other = parse_cohort("5%", salt="other", where="w")
    chosen = {member for member in members if one.has(member, "")}
    assert chosen == {member for member in members if one.has(member, "")}
    assert 150 <= len(chosen) <= 250
    assert len(chosen & {member for member in members if other.has(member, "")}) < 40


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("", "'' names no members", "give all"),
        ("0%", "0% of the members", "more than 0%"),
        ("101%", "101% of the members", "at most 100%"),
        ("9-7", "'9-7' is empty", "write 7-9"),
        ("cohort:", "names no members", "cohort:NAME"),
        ("1," * 200, "400 characters", "at most 256"),
    ],
)
def test_refuses_what_names_nobody(text: str, what: str, fix: str) -> None:
    with pytest.raises(DemoError) as caught:
        parse_cohort(text, salt="", where="members")
    assert what in caught.value.what
    assert fix in caught.value.fix
