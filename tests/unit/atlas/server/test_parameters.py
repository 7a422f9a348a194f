"""How the parameters of a request are read."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from atlas.errors import AtlasError, BadData
from atlas.server.parameters import Parameters


def parameters(query: bytes, raw_path: bytes = b"/x") -> Parameters:
    return Parameters(Request({"type": "http", "query_string": query, "raw_path": raw_path}))


def test_first_of_several_counts_and_all_can_be_had():
    found = parameters(b"a=1&b=x&a=2")
    assert found.text("a", "") == "1"
    assert found.all("a") == ("1", "2")
    assert found.all("c") == ()


def test_parameter_may_be_empty_but_not_missing():
    assert parameters(b"q=").required("q") == ""
    assert parameters(b"q").required("q") == ""
    with pytest.raises(BadData, match="missing required parameter 'q'"):
        parameters(b"Q=1").required("q")


@pytest.mark.parametrize(("query", "is_set"), [(b"f=1", True), (b"f=true", False), (b"", False)])
def test_only_one_turns_a_flag_on(query, is_set):
    assert parameters(query).is_set("f") is is_set


def test_number_is_whole_and_above_zero():
    assert parameters(b"w=%2B12").positive("w", 7) == 12
    assert parameters(b"").positive("w", 7) == 7
    with pytest.raises(BadData, match=r"w must be positive \(got 0\)"):
        parameters(b"w=0").positive("w", 7)
    with pytest.raises(AtlasError, match=r'For input string: "1\.5"'):
        parameters(b"w=1.5").positive("w", 7)


@pytest.mark.parametrize(
    ("raw_path", "query", "column"),
    [
        (b"/x", b"q=%zz", 6),
        (b"/x", b"q=100%", 9),
        (b"/x", b"%2", 4),
        (b"/x%g1", b"", 3),
        (b"/x", b"%25%", 7),
    ],
)
def test_percent_sign_that_encodes_nothing_is_refused(raw_path, query, column):
    with pytest.raises(BadData, match=f"Illegal request-target: '%' at column {column} ") as caught:
        parameters(query, raw_path)
    assert caught.value.status == 400


@pytest.mark.parametrize("query", [b"q=%25", b"q=%c3%A9", b"q=+%20", b"q=caf\xc3\xa9"])
def test_percent_sign_that_encodes_a_byte_is_taken(query):
    assert parameters(query).required("q")
