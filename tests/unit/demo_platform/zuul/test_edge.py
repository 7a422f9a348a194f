"""What an edge does when what it goes by changes, and when there is too much to do."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, cast

import pytest

from demo_platform.metrics import Meters
from demo_platform.services import SERVICES
from demo_platform.services.edge import CAUSES, ORIGINS
from demo_platform.tokens import Claims, key_of, sign
from demo_platform.transport import Ending, Reply
from demo_platform.zuul import fit_rules
from demo_platform.zuul.page import page
from demo_platform.zuul.routes import ROUTES
from demo_platform.zuul.server import ZuulServer, edge_counters
from tests.metric_lines import metrics_of
from tests.unit.demo_platform.zuul.edges import EdgeScene, ScriptedPool

Jump = Callable[[Coroutine[Any, Any, Any]], Any]


def rule(
    stage: EdgeScene, token: str, *, for_s: float = 30.0, now_s: float = 0.0, **of: Any
) -> None:
    """Set a rule as the control API does."""
    text = fit_rules.accept(
        token, {**of, "for_s": for_s}, known=stage.edge.services, now_s=now_s, where="test"
    )
    stage.set_all({f"zuul.fitrule.{token}": text})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The machine's monotonic clock, to be set."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_counts_as_the_edge_always_has(jump: Jump, tmp_path: Path) -> None:
    async def scene() -> None:
        stage = EdgeScene(tmp_path)
        await stage.ask("/play")
        await stage.ask("/signin", x_fit="api=fail")
        await stage.ask("/home", x_fit="nonsense")
        await stage.ask("/nowhere")
        assert stage.counted() == {
            "none edge.requests play 2xx": 1,
            "api edge.requests signin 5xx": 1,
            "none edge.requests home 4xx": 1,
            "success success ipc.server.call": 1,
            "failure unexpected_error ipc.server.call": 1,
            "failure bad_request ipc.server.call": 2,
            "initial success api ipc.client.call": 1,
            "server.seconds": 0.006,
            "SUCCESS zuul.requests": 1,
            "FAILURE_ORIGIN zuul.requests": 1,
            "FAILURE_CLIENT_BAD_REQUEST zuul.requests": 1,
            "SUCCESS_LOCAL_NO_ROUTE zuul.requests": 1,
            "filter zuul.refused": 1,
            "client.calls ok api": 1,
            "client.calls failed api": 1,
            "client.injected api": 1,
            "zuul.origin.limit api": 64,
        }

    jump(scene())


def test_the_edge_has_a_series_for_each_ending_from_the_first_step_on() -> None:
    counters = edge_counters(Meters({}))
    routes = SERVICES["edge"].routes
    assert set(CAUSES) == set(routes)
    for route in routes:
        assert ("2xx", route, "none") in counters
        assert ("4xx", route, "none") in counters
        assert ("5xx", route, "edge") in counters
    assert {cause for causes in CAUSES.values() for cause in causes} == set(SERVICES)


def test_every_route_has_a_row_and_goes_where_it_is_declared_to() -> None:
    assert set(ROUTES) == set(CAUSES)
    assert {name: row.vip for name, row in ROUTES.items() if row.vip} == ORIGINS


def test_what_changes_is_in_force_at_the_next_request(jump: Jump, tmp_path: Path) -> None:
    async def scene() -> None:
        stage = EdgeScene(tmp_path)
        assert (await stage.ask()).status == 200
        stage.set_all({"zuul.security.bodyBytesMax": 3})
        assert (await stage.ask()).status == 413
        stage.set_all({"zuul.security.bodyBytesMax": 300})
        assert (await stage.ask()).status == 200
        (tmp_path / "closed.py").write_text(
            "from demo_platform.zuul.context import Refused\nTYPE = 'pre'\nORDER = 1\n"
            "def apply(context):\n    raise Refused(423, 'closed')\n"
        )
        assert (await stage.ask()).status == 200
        stage.edge.look()
        assert (await stage.ask()).status == 423

    jump(scene())


def test_a_rule_to_an_origin_of_its_own(jump: Jump, tmp_path: Path) -> None:
    async def scene() -> None:
        stage = EdgeScene(tmp_path)
        stage.set_all({"zuul.route.canary": "/play -> playback/play"})
        assert (await stage.ask()).status == 200
        peer, route, _, _ = stage.pool.calls[-1]
        assert (peer.id.partition("-")[0], route) == ("playback", "play")

    jump(scene())


@pytest.mark.parametrize(
    ("properties", "headers", "statuses"),
    [
        ({"zuul.ratelimit.route.play.perSecond": 1}, {}, [200, 200, 429]),
        ({"zuul.ratelimit.route.home.perSecond": 1}, {}, [200, 200, 200]),
        ({"zuul.ratelimit.customer.perSecond": 1}, {}, [200, 200, 429]),
        ({"zuul.ratelimit.ip.perSecond": 1}, {}, [200, 200, 429]),
    ],
)
def test_limits_the_rate(
    jump: Jump,
    tmp_path: Path,
    properties: dict[str, int],
    headers: dict[str, str],
    statuses: list[int],
) -> None:
    async def scene() -> None:
        stage = EdgeScene(tmp_path)
        stage.set_all(properties)
        responses = [await stage.ask(**headers) for _ in statuses]
        assert [response.status for response in responses] == statuses
        if statuses[-1] == 429:
            assert responses[-1].headers["Retry-After"] == "1"
            assert responses[-1].headers["x-failed-service"] == "edge"
            other = await stage.ask(body=b'{"member":8}', x_forwarded_for="10.9.9.9")
            is_for_all = "zuul.ratelimit.route.play.perSecond" in properties
            assert (other.status == 429) == is_for_all
            await asyncio.sleep(1.0)
            assert (await stage.ask()).status == 200
            assert stage.counted()["rate zuul.refused"] >= 1

    jump(scene())


def _at_once(stage: EdgeScene, count: int) -> list[Coroutine[Any, Any, Any]]:
    """As many requests of each kind, the least important first."""
    asked = []
    for route in ("/home", "/play"):
        for n in range(count):
            asked.append(stage.ask(route, x_request_id=f"{route}-{n}"))
    return asked


def test_sheds_the_least_important_first(jump: Jump, tmp_path: Path) -> None:
    async def scene() -> None:
        stage = EdgeScene(tmp_path)
        stage.pool.takes_s = 0.5
        stage.set_all({"zuul.concurrency.max": 20, "zuul.origin.api.concurrency.min": 100})
        responses = await asyncio.gather(*_at_once(stage, 14))
        statuses = [response.status for response in responses]
        home, play = statuses[:14].count(200), statuses[14:].count(200)
        # Homes take what room there is until they are shed; plays are let in nearly up to the end.
        assert 12 <= home <= 14
        assert play >= 4
        counted = stage.counted()
        assert counted.get("zuul.shed degraded-experience", 0) == 14 - home
        assert counted["failure throttled ipc.server.call"] == statuses.count(503)

    jump(scene())


def test_with_the_switch_everybody_is_let_in_until_it_is_full(jump: Jump, tmp_path: Path) -> None:
    async def scene() -> None:
        stage = EdgeScene(tmp_path)
        stage.pool.takes_s = 0.5
        stage.knobs.set("no-load-shedding", True)
        stage.set_all({"zuul.concurrency.max": 20, "zuul.origin.api.concurrency.min": 100})
        responses = await asyncio.gather(*_at_once(stage, 14))
        statuses = [response.status for response in responses]
        assert statuses == [200] * 20 + [503] * 8
        counted = stage.counted()
        assert counted["full zuul.refused"] == 8
        assert not any("zuul.shed" in key for key in counted)

    jump(scene())


def test_an_origin_is_asked_no_more_at_once_than_its_limit(jump: Jump, tmp_path: Path) -> None:
    async def scene() -> None:
        stage = EdgeScene(tmp_path)
        stage.pool.takes_s = 0.5
        stage.set_all(
            {
                "zuul.origin.api.concurrency.adaptive": False,
                "zuul.origin.api.concurrency.max": 5,
                "zuul.shedding.enabled": False,
            }
        )
        responses = await asyncio.gather(*(stage.ask() for _ in range(8)))
        assert [response.status for response in responses] == [200] * 5 + [503] * 3
        key = "FAILURE_LOCAL_THROTTLED_ORIGIN_CONCURRENCY zuul.requests"
        assert stage.counted()[key] == 3

    jump(scene())


def test_faults_for_one_member_only_until_they_end(
    jump: Jump, tmp_path: Path, clock: list[float]
) -> None:
    async def scene() -> None:
        stage = EdgeScene(tmp_path)
        rule(stage, "one", faults="api=fail", members="7", now_s=clock[0])
        mine, other = b'{"member":7}', b'{"member":8}'
        assert (await stage.ask(body=mine)).status == 502
        assert (await stage.ask(body=other)).status == 200
        assert (await stage.ask(body=b"")).status == 200
        clock[0] += 30.1
        assert (await stage.ask(body=mine)).status == 200
        assert json.loads(page(stage.edge))["fit"] == []

    jump(scene())


def test_the_header_and_rules_add_up_and_the_header_comes_first(
    jump: Jump, tmp_path: Path, clock: list[float]
) -> None:
    async def scene() -> None:
        stage = EdgeScene(tmp_path)
        rule(stage, "a", faults="recs=delay:1s, abtest=fail", members="all", now_s=clock[0])
        rule(stage, "b", faults="catalog=fail", members="cohort:odd", now_s=clock[0])
        await stage.ask(x_fit="recs=fail", x_cohort="odd")
        assert stage.pool.calls[-1][2]["x-fit"] == "recs=fail, abtest=fail, catalog=fail"
        await stage.ask()
        assert stage.pool.calls[-1][2]["x-fit"] == "recs=delay:1s, abtest=fail"

    jump(scene())


def test_the_page_tells_what_went_wrong(jump: Jump, tmp_path: Path) -> None:
    async def scene() -> None:
        (tmp_path / "broken.py").write_text("TYPE = 1")
        (tmp_path / "failing.py").write_text(
            "TYPE = 'pre'\nORDER = 1\ndef apply(context):\n    return {}['x']\n"
        )
        stage = EdgeScene(tmp_path)
        assert (await stage.ask(x_request_id="r-9")).status == 500
        response = await stage.ask("/zuul")
        told = json.loads(cast("bytes", response.body))
        assert told["not_loaded"][0]["where"] == f"{tmp_path}/broken.py:1:1"
        assert told["failing"] == [
            {
                "filter": "failing",
                "where": f"{tmp_path}/failing.py:4:12",
                "what": "KeyError: 'x'",
            }
        ]
        (last,) = told["last_failures"]
        assert (last["request_id"], last["filter"], last["status"]) == ("r-9", "failing", 500)
        assert list(last["took_us"]) == ["failing failed"]
        assert stage.counted()["zuul.filters.failed"] == 1
        assert told["chains"]["/heartbeat"][-1] == "answer_here"

    jump(scene())


def test_every_ending_is_published_from_the_first_step_on(jump: Jump, tmp_path: Path) -> None:
    async def scene() -> None:
        stage = EdgeScene(tmp_path)
        meters = Meters({})
        ZuulServer(stage.edge, meters)
        names = metrics_of(meters)
        categories = {m["tags"]["category"] for m in names if m["tags"]["name"] == "zuul.requests"}
        assert "FAILURE_LOCAL" in categories
        assert len(categories) == 13

    jump(scene())


@pytest.mark.parametrize(
    ("path", "member", "key_seed", "age_s", "status"),
    [
        ("/signin", None, 1, 0, 200),
        ("/play", None, 1, 0, 401),
        ("/play", 7, 1, 0, 200),
        ("/play", 8, 1, 0, 401),
        ("/play", 7, 2, 0, 401),
        ("/play", 7, 1, 4200, 200),
        ("/play", 7, 1, -600, 200),
        ("/play", 7, 1, 4800, 401),
        ("/play", 7, 1, -1200, 401),
    ],
)
def test_checks_tokens_where_they_are_required(
    jump: Jump,
    tmp_path: Path,
    path: str,
    member: int | None,
    key_seed: int,
    age_s: int,
    status: int,
) -> None:
    async def scene() -> None:
        stage = EdgeScene(tmp_path)
        stage.set_all({"zuul.security.tokenRequired": True})
        headers = {}
        if member is not None:
            claims = Claims.starting(member, "standard", now_s=time.time() - age_s)
            headers["authorization"] = f"Bearer {sign(claims, key=key_of(key_seed))}"
        response = await stage.ask(path, **headers)
        assert response.status == status
        assert ("token zuul.refused" in stage.counted()) == (status == 401)

    jump(scene())


@pytest.mark.parametrize(
    ("age_s", "has_leeway", "standing", "status"),
    [
        (0, True, "good", 200),
        (-600, True, "leeway", 200),
        (4200, True, "leeway", 200),
        (0, False, "good", 200),
        (-600, False, "early", 401),
        (4200, False, "late", 401),
    ],
)
def test_judges_the_tokens_that_are_shown(
    jump: Jump, tmp_path: Path, age_s: int, has_leeway: bool, standing: str, status: int
) -> None:
    async def scene() -> None:
        stage = EdgeScene(tmp_path)
        stage.edge.knobs.set("no-leeway", not has_leeway)
        claims = Claims.starting(7, "standard", now_s=time.time() - age_s)
        token = f"Bearer {sign(claims, key=key_of(1))}"
        assert (await stage.ask("/play")).status == 200
        assert (await stage.ask("/signin", authorization="Bearer nothing")).status == 200
        response = await stage.ask("/play", authorization=token)
        assert response.status == status
        assert (response.headers.get("x-failed-service") == "edge") == (status == 401)
        assert f"zuul.tokens {standing}" in stage.counted()

    jump(scene())


def test_compresses_long_answers_for_who_reads_them(jump: Jump, tmp_path: Path) -> None:
    async def scene() -> None:
        long = Reply(Ending.ANSWERED, b"x" * 5000, status=200)
        stage = EdgeScene(tmp_path, ScriptedPool((long,)))
        stage.set_all({"zuul.gzip.enabled": True})
        response = await stage.ask(accept_encoding="gzip, br")
        assert response.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(cast("bytes", response.body)) == long.body
        assert "Content-Encoding" not in (await stage.ask()).headers

    jump(scene())
