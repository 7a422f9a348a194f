"""What callers want of a program: expressions, narrowed by a common query, or a single query."""

from __future__ import annotations

import pytest

from atlas.asl import parse_common_query, parse_exprs, parse_query
from atlas.errors import AslError, AtlasError


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("name,a,:eq,:sum", ["name,a,:eq,app,x,:eq,:and,:sum"]),
        ("name,a,:eq", ["name,a,:eq,app,x,:eq,:and,:sum"]),
        ("name,a,:eq,:freeze,42", ["name,a,:eq,app,x,:eq,:and,:sum", "42.0,:const"]),
        ("name,a,:eq,:avg,(,k,),:by", ["name,a,:eq,app,x,:eq,:and,:avg,(,k,),:by"]),
        (
            "name,a,:eq,(,k,),:by,$k,:legend",
            ["name,a,:eq,app,x,:eq,:and,:sum,(,k,),:by,$k,:legend"],
        ),
        ("42", ["42.0,:const"]),
    ],
)
def test_common_query_narrows_every_query_frozen_ones_too(program, expected):
    common_query = parse_common_query("app,x,:eq")
    assert [str(e) for e in parse_exprs(program, common_query=common_query)] == expected


@pytest.mark.parametrize("program", ["", "foo", "a,:has,b,:has", "42"])
def test_common_query_must_be_one_query(program):
    with pytest.raises(AtlasError) as caught:
        parse_common_query(program)
    assert caught.value.message == f"IllegalStateException: invalid cq parameter: {program}"


@pytest.mark.parametrize("program", ["", "foo", "a,:has,b,:has", "a,:has,:sum"])
def test_query_must_be_one(program):
    with pytest.raises(AslError):
        parse_query(program)
