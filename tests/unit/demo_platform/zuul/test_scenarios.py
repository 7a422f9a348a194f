"""Runs tests/data/zuul/filters.yaml: files of filters, a request, and what it meets."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from demo_platform.transport import Reply
from demo_platform.zuul.context import SessionContext
from tests.unit.demo_platform.zuul.edges import ENDINGS, OK, EdgeScene, ScriptedPool

Jump = Callable[[Coroutine[Any, Any, Any]], Any]

FILE = next(
    parent / "tests/data/zuul/filters.yaml"
    for parent in Path(__file__).parents
    if (parent / "tests/data/zuul").is_dir()
)
KNOWN = {
    *("name", "files", "properties", "switches", "origin", "instances", "path", "request"),
    *("events", "answer", "body", "headers", "category", "cause", "asked", "failing", "told"),
    *("not-told", "has"),
}


def scenarios() -> list[Any]:
    """Every scenario of the file."""
    return [pytest.param(one, id=one["name"]) for one in yaml.safe_load(FILE.read_text())]


def reply_of(line: dict[str, Any]) -> Reply:
    """A line of an origin's script."""
    body = str(line.get("body", "")).encode()
    return Reply(ENDINGS[line["ending"]], body, line.get("cause", ""), line.get("status", 0))


@pytest.mark.parametrize("scenario", scenarios())
def test_a_request_meets_what_the_scenario_says(
    jump: Jump, tmp_path: Path, scenario: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scenario.keys() <= KNOWN
    for name, source in scenario.get("files", {}).items():
        (tmp_path / name).write_text(source)

    async def scene() -> None:
        replies = [reply_of(line) for line in scenario.get("origin", ())] or [OK]
        pool = ScriptedPool(replies, instances=scenario.get("instances", 3))
        stage = EdgeScene(tmp_path, pool)
        seen: list[SessionContext] = []
        context_of = stage.server._context
        monkeypatch.setattr(
            stage.server, "_context", lambda *args: seen.append(context_of(*args)) or seen[-1]
        )
        assert not stage.edge.folder.problems
        stage.set_all(scenario.get("properties", {}))
        for name in scenario.get("switches", ()):
            stage.knobs.set(name, True)
        response = await stage.ask(scenario.get("path", "/play"), **scenario.get("request", {}))
        events = [event.partition("-")[0] for event, _ in (seen[0].passport if seen else ())]
        assert (events, response.status) == (scenario["events"], scenario["answer"])
        _check_answer(scenario, stage, response)

    jump(scene())


def _check_answer(scenario: dict[str, Any], stage: EdgeScene, response: Any) -> None:
    if "body" in scenario:
        assert cast("bytes", response.body).decode() == scenario["body"]
    for name, value in scenario.get("headers", {}).items():
        assert response.headers[name] == value
    for name in scenario.get("has", ()):
        assert name in response.headers
    assert response.headers.get("x-failed-service") == scenario.get("cause") or (
        "cause" not in scenario
    )
    if "asked" in scenario:
        assert len(stage.pool.calls) == scenario["asked"]
    told = stage.pool.calls[-1][2] if stage.pool.calls else {}
    for name, value in scenario.get("told", {}).items():
        assert told[name] == value
    assert not told.keys() & set(scenario.get("not-told", ()))
    if "failing" in scenario:
        (where, _, _) = next(iter(stage.edge.errors.values()))
        assert where.endswith(scenario["failing"])
    if "category" in scenario:
        assert f"{scenario['category']} zuul.requests" in stage.counted()
