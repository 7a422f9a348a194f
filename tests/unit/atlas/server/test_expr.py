"""What the server says about programs; the recorded answers say more."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("normalize?q=b,1,:eq,name,a,:eq,:and,2,:mul", ["name,a,:eq,b,1,:eq,:and,:sum,2.0,:mul"]),
        ("normalize?q=1,name,a,:eq", ["1.0", "name,a,:eq,:sum"]),
        ("normalize?q=(,1,),foo", []),
        ("queries?q=name,b,:eq,:sum,name,a,:eq,:avg", ["name,a,:eq", "name,b,:eq"]),
        ("rewrite?q=1,name,a,:eq,(,1h,),:offset", ["name,a,:eq,:sum,1h,:offset", "1.0,:const"]),
        (
            "rewrite?q=name,a,:eq,(,0h,1w,),:offset,1",
            ["1.0,:const", "Query1,name,a,:eq,:sum,:set,Query1,:get,Query1,:get,1w,:offset"],
        ),
        ("strip?q=name,a,:eq,b,:has,:and&k=b", ["name,a,:eq,:sum"]),
        ("strip?q=name,a,:eq,b,:has,:not,:and&k=b&k=name", [":true,:sum"]),
        ("strip?q=name,a,:eq,x,:legend&r=style", ["name,a,:eq,:sum"]),
    ],
)
def test_answers(server, path, expected):
    answer = server.call("GET", f"/api/v1/expr/{path}")
    assert (answer.status, answer.json) == (200, expected)


@pytest.mark.parametrize("path", ["", "/debug"])
def test_debug_shows_every_step_top_first_and_what_was_frozen_at_the_end(server, path):
    answer = server.call("GET", f"/api/v1/expr{path}?q=1,:freeze,v,(,2,),:set,3")
    steps = answer.json
    assert [len(step["program"]) for step in steps] == [8, 7, 6, 5, 2, 1, 0]
    assert steps[4]["context"] == {"stack": ["List(2)", "v"], "variables": {}}
    assert steps[5]["context"] == {"stack": [], "variables": {"v": "List(2)"}}
    assert steps[6]["context"]["stack"] == ["3", "1"]


def test_complete_offers_words_that_would_run(server):
    words = server.call("GET", "/api/v1/expr/complete?q=hourOfDay&vocab=math").json
    assert {w["name"] for w in words} == {"has", "pi", "time"}
    (has,) = (w for w in words if w["name"] == "has")
    assert has["signature"] == "k:String -- Query"
    assert has["description"] == "Selects series that have the key."


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("", 400, "MissingQueryParamRejection(q)"),
        ("/bogus", 400, "MissingQueryParamRejection(q)"),
        ("/bogus?q=1", 404, "path not found: /api/v1/expr/bogus"),
        ("?q=1&vocab=event", 404, "NoSuchElementException: key not found: event"),
        ("?q=", 400, "IllegalArgumentException: expected an expression, stack is empty"),
        ("?q=1,a", 400, "IllegalArgumentException: expected an expression, found [String]"),
        (
            "?q=a,:has,b&vocab=query",
            400,
            "IllegalArgumentException: expected a single query, found [HasKey,String]",
        ),
        (
            "?q=&vocab=query",
            400,
            "IllegalArgumentException: expected a single query, stack is empty",
        ),
        ("/strip?q=1&r=math", 400, "IllegalArgumentException: vocabulary 'math' not supported"),
    ],
)
def test_refusals(server, path, status, message):
    answer = server.call("GET", f"/api/v1/expr{path}")
    assert (answer.status, answer.json["message"]) == (status, message)


def test_steps_that_repeat_a_long_text_are_bounded(server):
    pattern = "%256s" * 60
    program = f"{pattern},(,{'x,' * 60}),:format" + ",:dup" * 20
    answer = server.get("/api/v1/expr", q=program, vocab="std")
    assert answer.status == 200
    answer = server.get("/api/v1/expr", q=program + ",:2over" * 30, vocab="std")
    assert answer.status == 400
    assert "more than 16000000 characters" in answer.json["message"]


def test_a_query_that_explodes_is_refused(server):
    query = "a,1,:eq,b,1,:eq,:or"
    program = query + "".join(f",a,{i},:eq,b,{i},:eq,:or,:and" for i in range(10))
    answer = server.get("/api/v1/expr/normalize", q=program)
    assert answer.status == 400
    assert "more than 1024 combinations" in answer.json["message"]
