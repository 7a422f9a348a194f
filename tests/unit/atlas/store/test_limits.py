"""Limits on tags: the fast check and the one that gives reasons agree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.store.limits import TagLimits

LIMITS = TagLimits()
ALLOWED = "([--.0-9A-Z^_a-z~] are allowed)"


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"name": "cpu", "nf.app": "a", "atlas.dstype": "gauge", "k^~._-": "v^~._-"}, None),
        ({"name": "n" * 255, "key": "v" * 120, "k" * 60: "v"}, None),
        ({"node": "i-1"}, "missing key 'name'"),
        ({"name": "c", "k": "v"}, "key too short: [k] (1 < 2)"),
        ({"name": "cpu", "k" * 61: "v"}, f"key too long: [{'k' * 61}] (61 > 60)"),
        ({"name": "c"}, "value too short: name = [c] (1 < 2)"),
        ({"name": "cpu", "kk": ""}, "value too short: kk = [] (0 < 1)"),
        ({"name": "cpu", "kk": "v" * 121}, f"value too long: kk = [{'v' * 121}] (121 > 120)"),
        ({"name": "n" * 256}, f"value too long: name = [{'n' * 256}] (256 > 255)"),
        ({"name": "cpu", "k k": "v"}, f"invalid characters in key: [k k] {ALLOWED}"),
        ({"name": "cpu", "kk": "a\n"}, f"invalid characters in value: kk = [a\n] {ALLOWED}"),
        ({"name": "cpu"} | {f"k{i:02}": "v" for i in range(20)}, "too many user tags: 21 > 20"),
        ({"name": "cpu", "nf.foo": "v"}, "invalid key for reserved prefix 'nf.': nf.foo"),
        ({"name": "cpu", "atlas.x": "v"}, "invalid key for reserved prefix 'atlas.': atlas.x"),
    ],
)
def test_first_rule_that_fails_speaks(tags, reason):
    assert LIMITS.reason_against(tags) == reason


KEYS = st.sampled_from(
    ["name", "a", "kk", "nf.app", "nf.foo", "atlas.dstype", "nf.", "ü", "k" * 61]
)
VALUES = st.sampled_from(["", "v", "vv", "a b", "v" * 121, "n" * 256, "~^"])


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_both_checks_agree(tags):
    assert SlowLimits().reason_against(tags) == LIMITS.reason_against(tags)


class SlowLimits(TagLimits):
    """Limits without the fast check."""

    def _are_fine(self, tags):
        return False
