"""Expressions print as ASL that parses back equal, whatever they are made of."""

from __future__ import annotations

import contextlib
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from atlas.asl import parse_exprs
from atlas.asl.words import MATH
from atlas.errors import AtlasError
from atlas.eval.operators import BINARY_ARRAYS, UNARY_ARRAYS
from atlas.expr.operators import BINARY, UNARY
from atlas.expr.text import decode, encode, number_text, parse_number

TEXT = st.text(min_size=1, max_size=8)
SIMPLE = st.text("abc.-_ ,:/*()\\u0", min_size=1, max_size=6)
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
APPROXIMATE = ("pow", "sin")
"""Operators that the processor computes to the last digit but one."""

INTERNAL = ("named-rewrite",)
"""Words whose print is a program only where there is a word of the name that they are given."""

KEYS = st.lists(st.sampled_from(["k1", "k2", "k3"]), max_size=2, unique=True)


@given(st.one_of(TEXT, SIMPLE))
def test_text_encodes_and_decodes_to_itself(text):
    assert decode(encode(text)) == text


@given(st.one_of(TEXT, SIMPLE), st.one_of(TEXT, SIMPLE))
def test_any_text_survives_in_a_query(key, value):
    program = f"{encode(key)},{encode(value)},:eq"
    (expr,) = parse_exprs(program)
    assert parse_exprs(str(expr)) == (expr,)
    assert (expr.expr.query.key, expr.expr.query.value) == (key, value)


@given(NUMBERS)
def test_number_reads_back_as_it_was(number):
    read = parse_number(number_text(number))
    assert read == number or (math.isnan(read) and math.isnan(number))


@st.composite
def programs(draw):
    """Words of the vocabulary in a likely order; many make no sense and are skipped."""
    leaf = st.sampled_from(["name,a,:eq", "b,(,x,y,),:in", "c,:has,d,e,:re,:and", "42", ":true"])
    parts = [draw(leaf)]
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(st.integers(0, 3))
        if kind == 0:
            parts.append(draw(leaf))
        elif kind == 1:
            parts.append(f"(,{','.join(draw(KEYS))},),:by".replace(",,", ","))
        else:
            parts.append(":" + draw(st.sampled_from(sorted({w.name for w in MATH} - {*INTERNAL}))))
    return ",".join(parts)


@given(programs())
def test_what_parses_prints_and_parses_back_equal(program):
    try:
        exprs = parse_exprs(program)
    except AtlasError:
        return
    printed = ",".join(map(str, exprs))
    assert parse_exprs(printed) == exprs
    assert ",".join(map(str, parse_exprs(printed))) == printed


@given(st.text(max_size=30))
def test_any_text_parses_or_is_refused(program):
    with contextlib.suppress(AtlasError):
        parse_exprs(program)


@given(st.sampled_from(sorted(BINARY)), NUMBERS, NUMBERS)
def test_operator_of_arrays_is_the_operator_of_numbers(word, a, b):
    try:
        expected = BINARY[word].of_numbers(a, b)
    except OverflowError:
        return
    with np.errstate(all="ignore"):
        found = BINARY_ARRAYS[word](np.array([a]), np.array([b]))
    np.testing.assert_allclose(found, [expected], rtol=1e-13 if word in APPROXIMATE else 0)


@given(st.sampled_from(sorted(UNARY)), NUMBERS)
def test_unary_operator_of_arrays_is_that_of_numbers(word, a):
    with np.errstate(all="ignore"):
        found = UNARY_ARRAYS[word](np.array([a]))
    expected = [UNARY[word].of_numbers(a)]
    np.testing.assert_allclose(found, expected, rtol=1e-13 if word in APPROXIMATE else 0)
