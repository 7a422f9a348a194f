"""Legends made up from what tells expressions apart."""

from __future__ import annotations

import pytest

from atlas.asl import parse_exprs
from atlas.expr.legend import substitute, with_simple_legends


@pytest.mark.parametrize(
    ("program", "legends"),
    [
        ("name,cpu,:eq", ["cpu"]),
        ("name,cpu,:eq,id,user,:eq,:and,name,cpu,:eq,id,idle,:eq,:and", ["user", "idle"]),
        ("name,cpu,:eq,(,node,zone,),:by", ["$(node) $(zone)"]),
        ("name,cpu,:eq,:max,(,),:by", ["$()"]),
        ("name,(,a,b,),:in,(,node,),:by", [None]),
        ("4,5,:add", [None]),
        ("name,x.y,:starts", ["x.y"]),
        ("name,y$,:ends", [".*y\\$$"]),
        ("name,a.*b,:re", ["a.*b"]),
        ("id,a,:eq,:not", ["!a"]),
        ("name,a,:eq,:sum,name,b,:eq,:sum,:div,name,c,:eq", [None, "c"]),
        ("name,a,:eq,:node-avg", ["a"]),
        ("name,a,:eq,:node-avg,2,:mul", ["a"]),
        ("name,a,:eq,:node-avg,:des-fast", [None]),
    ],
)
def test_pattern(program, legends):
    assert [styled.get("legend") for styled in with_simple_legends(parse_exprs(program))] == legends


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("$node in $(zone)", "i-1 in a"),
        ("$nope $(no pe)", "nope no pe"),
        ("$ $() 5$", "$ $ 5$"),
        ("$(node", "$node"),
    ],
)
def test_variables_are_filled_with_tags(pattern, text):
    assert substitute(pattern, {"node": "i-1", "zone": "a"}) == text
