"""What callers want of a program: expressions, narrowed by a common query, or a single query."""

from __future__ import annotations

import pytest

from atlas.asl import parse_common_query, parse_events, parse_exprs, parse_query
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


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("level,ERROR,:eq", ["level,ERROR,:eq"]),
        ("level,ERROR,:eq,(,a,b\\u002c,),:table", ["level,ERROR,:eq,(,a,b\\u002c,),:table"]),
        ("a,:has,(,k,),(,x,y,),:sample,b,:has", ["a,:has,(,k,),(,x,y,),:sample", "b,:has"]),
        ("a,:has,(,k,),(,),:sample,b,:has,:cq", ["a,:has,b,:has,:and,(,k,),(,),:sample"]),
    ],
)
def test_events_print_and_parse_back_equal(program, expected):
    events = parse_events(program)
    assert [str(e) for e in events] == expected
    assert parse_events(",".join(map(str, events))) == events


@pytest.mark.parametrize(
    ("program", "what"),
    [
        ("a,:has,(,),:table", "requirement failed: set of columns cannot be empty"),
        ("a,:has,(,),(,x,),:sample", "requirement failed: sampleBy cannot be empty"),
        ("a,:has,:sum", "unknown word ':sum'"),
        ("a", "expecting event expr, found String 'a'"),
        (
            "a,:has,x,:table",
            "no matches for word ':table' with stack [HasKey,String],"
            " candidates: [q:Query columns:List -- EventExpr]",
        ),
    ],
)
def test_what_is_no_event_expression_is_refused(program, what):
    with pytest.raises(AslError) as caught:
        parse_events(program)
    assert caught.value.what == what
