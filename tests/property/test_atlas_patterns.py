"""Patterns: both ways to follow one agree, with Python's own engine too; and time is bounded."""

from __future__ import annotations

import contextlib
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.errors import AtlasError, LimitExceeded
from atlas.expr.pattern import SIZE_MAX, compile_pattern
from atlas.expr.pattern_replace import replace_all

VALUES = st.lists(st.text("abc-", max_size=7), min_size=1, max_size=20)
ATOMS = st.sampled_from(["a", "b", "c", "-", ".", "[ab]", "[^a]", "ab", "(?=b)", "(?!a)", "$", "^"])
QUANTIFIERS = ["*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,}", "{1,3}?"]


def combined(inside):
    return st.one_of(
        st.lists(inside, min_size=1, max_size=3).map("".join),
        st.lists(inside, min_size=1, max_size=3).map(lambda p: f"({'|'.join(p)})"),
        st.tuples(inside, st.sampled_from(QUANTIFIERS)).map(lambda p: f"(?:{p[0]}){p[1]}"),
        inside.map("(?={})".format),
        inside.map("(?!{})".format),
    )


PATTERNS = st.recursive(ATOMS, combined, max_leaves=8)


@given(PATTERNS, VALUES)
def test_pattern_accepts_what_pythons_engine_finds(pattern, values):
    # Python's end is before a last line break too, and its dot is none; there are none here.
    expected = [re.search(f"^{pattern}", value) is not None for value in values]
    compiled = compile_pattern(pattern, False)
    assert compiled.accepts_many(values).tolist() == expected
    assert [compiled.accepts(value) for value in values] == expected


@given(PATTERNS, st.lists(st.text("aBé-", max_size=5), min_size=1, max_size=9))
def test_many_values_are_as_each_alone(pattern, values):
    compiled = compile_pattern(pattern, True)
    assert compiled.accepts_many(values).tolist() == [compiled.accepts(value) for value in values]


def marked(pattern: str, text: str) -> str:
    """The text with what Python finds in brackets; after an empty find, a step is taken."""
    parts, end, begin = [], 0, 0
    while (match := re.compile(pattern).search(text, begin)) is not None:
        parts += [text[end : match.start()], f"<{match.group()}>"]
        end = match.end()
        begin = end + (match.group() == "")
        if begin > len(text):
            break
    return "".join((*parts, text[end:]))


@given(PATTERNS, st.text("abc-", max_size=9))
def test_search_finds_what_pythons_engine_finds(pattern, text):
    with contextlib.suppress(LimitExceeded):
        assert replace_all(pattern, lambda g: f"<{g['0']}>", text) == marked(pattern, text)


@given(
    st.text("ab.*+?{}()[]|^$\\,-12&=!<>:Qp", max_size=30),
    st.lists(st.text("ab1", max_size=60), min_size=1, max_size=50),
)
def test_any_text_is_a_pattern_or_is_refused(pattern, values):
    with contextlib.suppress(AtlasError):
        compile_pattern(pattern, False).accepts_many(values)
    with contextlib.suppress(AtlasError):
        replace_all(pattern, lambda _: "", values[0])


HARD = [
    "(a+)+$",
    "(a*)*b",
    "(a|aa)+$",
    "(.*)*x",
    "(.*a){12}$",
    "((?=(a*)*b)a)*",
    "(?!(a|a)*b)*c",
    "(a?){60}a{60}",
    "((a{9}){9}){9}",
    "(.{0,40}a.{0,40}b){9}",
    "(|a){999}{999}",
    "(){9999}{9999}{9999}",
    "(^{999}){999}",
    "(a{1000}){1000}",
    ".*" * 500 + "x",
    "[^a]" * 900,
    "|".join(f"a{n}b" for n in range(600)),
    "(" * 27 + "a" + "|b){1}{1}{1}" * 27,
    "(" * 27 + "a" + "|b)*" * 27 + "$",
    "(?=" * 27 + "a" + "|b)" * 27,
    "(?<=" * 29 + "a" + ")" * 29,
    "(" * 300,
    "[[" * 300,
    "(a?)" * 900,
    "a" * (SIZE_MAX + 1),
]


@pytest.mark.parametrize("pattern", HARD, ids=lambda pattern: pattern[:20])
@pytest.mark.parametrize(("value_count", "size"), [(3_000, 250), (20_000, 20)])
def test_pattern_takes_bounded_time(pattern, value_count, size):
    values = ["a" * (size - n % 9) + "!" for n in range(value_count)]
    start = time.thread_time()
    with contextlib.suppress(AtlasError):
        compile_pattern(pattern, False).accepts_many(values)
    assert time.thread_time() - start < 1.5  # far above what it takes, 0.5 s at most


@pytest.mark.parametrize("pattern", HARD, ids=lambda pattern: pattern[:20])
def test_search_takes_bounded_time(pattern):
    start = time.thread_time()
    with contextlib.suppress(AtlasError):
        replace_all(pattern, lambda _: "", "a" * 60 + "!")
    assert time.thread_time() - start < 1.5  # far above what it takes, 0.3 s at most


def test_pattern_that_is_too_much_work_is_named():
    with pytest.raises(LimitExceeded) as caught:
        compile_pattern(".*a.{99}", False).accepts_many(["a" * 10_000] * 9)
    assert caught.value.what == "pattern '.*a.{99}' is too much work for 9 values"
