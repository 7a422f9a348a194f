"""The edges of a running world: filters swapped and broken by hand, and faults for some members."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.demo.worlds import World, world

pytestmark = pytest.mark.integration

WITHIN_S = 20.0

COUNTING = """
from demo_platform.zuul.context import Refused
TYPE = "inbound"
ORDER = 1
def apply(context):
    if context.route == "home":
        raise Refused(503, "{why}", kind="filter")
"""
BROKEN = "TYPE = 'inbound'\nORDER = 1\ndef apply(context:\n    pass\n"


def until(claim: Callable[[], Any], within_s: float = WITHIN_S) -> Any:
    """What the claim returns once that is true."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = claim()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {within_s} s")


def pages(one: World) -> list[dict[str, Any]]:
    """What each edge says of itself."""
    status, found = one.ask("GET", "/v1/zuul")
    assert status == 200
    assert len(found) == 3
    assert not any("silent" in page for page in found.values())
    return list(found.values())


def refusals(one: World, why: str) -> list[dict[str, Any]]:
    """The last failures of all edges that say why."""
    return [each for page in pages(one) for each in page["last_failures"] if each["why"] == why]


def test_filters_are_swapped_in_a_running_edge_and_a_broken_one_changes_nothing() -> None:
    with world("--size", "small") as one:
        one.until_ready()
        _swaps(one)
        _faults_for_some(one)
        _bad_input(one)


def _swaps(one: World) -> None:
    mine = one.folder / "filters" / "closed.py"
    pids = {each["pid"] for each in one.platform()["instances"] if each["service"] == "edge"}
    mine.write_text(COUNTING.format(why="first"))
    until(lambda: refusals(one, "first"))
    mine.write_text(COUNTING.format(why="second time"))
    until(lambda: refusals(one, "second time"))
    mine.write_text(BROKEN)
    until(lambda: all(page["not_loaded"] for page in pages(one)))
    for page in pages(one):
        (problem,) = page["not_loaded"]
        assert problem["where"].endswith("filters/closed.py:3:10")
        assert "syntax error" in problem["what"]
        assert "closed" in page["chains"]["/home"]
    assert "closed.py:3:10" in "".join(log.read_text() for log in one.folder.glob("logs/*.jsonl"))
    mine.unlink()
    until(lambda: not any(page["not_loaded"] for page in pages(one)))
    assert all("closed" not in page["chains"]["/home"] for page in pages(one))
    edges = [each for each in one.platform()["instances"] if each["service"] == "edge"]
    assert {each["pid"] for each in edges} == pids


def _faults_for_some(one: World) -> None:
    """A member of the cohort cannot sign in; nobody else notices; and it ends by itself."""
    rule = {"faults": "auth=fail", "members": "1-1000000", "for_s": 600}
    assert one.ask("PUT", "/v1/fit/all-visitors", rule)[0] == 200
    hurt = until(lambda: [e for p in pages(one) for e in p["last_failures"] if e["why"] == ""])
    assert {each["route"] for each in hurt} == {"signin"}
    assert one.ask("DELETE", "/v1/fit/all-visitors") == (200, {})
    status, view = one.ask("PUT", "/v1/fit/short", rule | {"for_s": 1})
    assert (status, list(view)) == (200, ["short"])
    until(lambda: one.ask("GET", "/v1/fit") == (200, {}), 3.0)
    assert all(page["fit"] == [] for page in pages(one))


def _bad_input(one: World) -> None:
    for method, path, body, what, fix in (
        ("PUT", "/v1/fit/a", {"faults": "rec=fail", "for_s": 1}, "unknown service", "'recs'?"),
        ("PUT", "/v1/fit/a", {"faults": "recs=fail", "for_s": 9999}, "for_s is", "at most 600"),
        ("PUT", "/v1/fit/a", {"faults": "recs=fail"}, "for_s", '"for_s": 30'),
        ("PUT", "/v1/properties/edge", {"zuul.route.a": "/x ->"}, "routing rule", "/v2/play"),
        ("PUT", "/v1/properties/edge", {"zuul.route.a": "/x -> ap"}, "unknown service", "'api'?"),
        ("PUT", "/v1/properties/edge", {"zuul.shedding.startPercent": 100}, "100", "0 to 99"),
    ):
        status, answer = one.ask(method, path, body)
        assert status == 400, (path, answer)
        assert what in answer["error"]["what"]
        assert fix in answer["error"]["fix"]
