"""Normalising a query changes how it is written, never what it selects."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from atlas.asl import parse_exprs
from atlas.expr.normalize import normalized
from atlas.expr.query_expr import (
    Compare,
    Equal,
    HasKey,
    In,
    Query,
    Regex,
    both,
    either,
    negated,
    on_keys,
)

KEYS = st.sampled_from(["name", "nf.app", "statistic", "k"])
VALUES = st.sampled_from(["a", "b", "c"])
CLAUSES = st.one_of(
    st.builds(Equal, KEYS, VALUES),
    st.builds(HasKey, KEYS),
    st.builds(Compare, KEYS, VALUES, st.sampled_from(["lt", "le", "gt", "ge"])),
    st.builds(Regex, KEYS, VALUES),
    st.builds(In, KEYS, st.lists(VALUES, min_size=2, max_size=3).map(tuple)),
)
QUERIES = st.recursive(
    CLAUSES,
    lambda inner: st.one_of(
        st.builds(both, inner, inner), st.builds(either, inner, inner), st.builds(negated, inner)
    ),
    max_leaves=6,
)
TAGS = st.dictionaries(KEYS, VALUES)


def normal_form(query: Query) -> str:
    (styled,) = parse_exprs(str(query))
    return normalized(styled)


@given(QUERIES, st.lists(TAGS, min_size=1, max_size=8))
def test_normal_form_selects_the_same_series(query, series):
    (styled,) = parse_exprs(normal_form(query))
    for tags in series:
        assert styled.expr.query.matches(tags) == query.matches(tags), styled


@given(QUERIES, QUERIES)
def test_order_of_clauses_does_not_matter(left, right):
    assert normal_form(both(left, right)) == normal_form(both(right, left))
    assert normal_form(either(left, right)) == normal_form(either(right, left))


@given(QUERIES, TAGS)
def test_query_without_clauses_on_a_key_selects_at_least_as_much(query, tags):
    """True for queries without `not`; with it, a clause that is dropped may have widened."""
    if ":not" not in str(query) and query.matches(tags):
        assert on_keys(query, lambda key: key != "k").matches(tags)
