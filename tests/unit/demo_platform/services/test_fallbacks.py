"""What each service still does when what it depends on does not answer."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from demo_platform.resilience.memory import LateWrites, Memory
from demo_platform.service import Body, Node, Request, ServiceFailed
from demo_platform.services import SERVICES, search
from demo_platform.tokens import Claims, key_of, sign
from tests.unit.demo_platform.services.test_services import ScriptedStore

Jump = Callable[[Coroutine[Any, Any, Any]], Any]
NOW_S = 1000.0


class Others:
    """The other services: each answers a route with a body, or fails."""

    def __init__(self, **answers: Body) -> None:
        self.answers = {key.replace("_", "/"): body for key, body in answers.items()}
        self.asked: list[tuple[str, Body]] = []

    async def call(self, service: str, route: str, body: Body, request: Request) -> Body:
        self.asked.append((f"{service}/{route}", body))
        if f"{service}/{route}" not in self.answers:
            raise ServiceFailed(service, 502, "as told")
        return self.answers[f"{service}/{route}"]


class Shelf:
    """A cache that keeps everything."""

    def __init__(self) -> None:
        self.kept: dict[str, Body] = {}

    async def fetch(self, key: str, make: Callable[[], Awaitable[Body]]) -> Body:
        if key not in self.kept:
            self.kept[key] = await make()
        return self.kept[key]

    async def put(self, key: str, value: Body) -> None:
        self.kept[key] = value

    async def forget(self, key: str) -> None:
        self.kept.pop(key, None)


def node_of(others: Others, **more: Any) -> Node:
    return Node("i-1", "us-east-1a", others, wall_clock=lambda: NOW_S, seed=3, **more)


async def ask(service: str, route: str, body: Body, node: Node) -> Body:
    request = Request(route, body, deadline=1e9, request_id="r-1")
    return await SERVICES[service].routes[route](request, node)


def token(member: int = 7, *, seed: int = 3, age_s: float = 0.0) -> str:
    claims = Claims.starting(member, "standard", now_s=NOW_S - age_s)
    return sign(claims, key=key_of(seed))


def test_auth_believes_its_own_token_when_nobody_can_be_asked() -> None:
    signin = ask("auth", "signin", {"member": 7, "token": token()}, node_of(Others()))
    answer = asyncio.run(signin)
    assert answer["plan"] == "standard"
    assert answer["fallback"] is True
    assert answer["session"] == "s-r-1"


@pytest.mark.parametrize(
    "bad",
    [None, 12, "", token(member=8), token(seed=4), token(age_s=4600), token(age_s=-1000)],
    ids=["none", "number", "empty", "another's", "forged", "expired", "from the future"],
)
def test_auth_believes_no_other(bad: object) -> None:
    with pytest.raises(ServiceFailed, match="customer"):
        asyncio.run(ask("auth", "signin", {"member": 7, "token": bad}, node_of(Others())))


def test_auth_asks_nobody_about_a_session_that_is_kept() -> None:
    others = Others(customer_profile={"plan": "standard"})
    node = node_of(others, cache=Shelf())

    async def scene() -> None:
        for _ in range(2):
            assert (await ask("auth", "signin", {"member": 7}, node))["plan"] == "standard"

    asyncio.run(scene())
    assert len(others.asked) == 1


def test_catalog_says_what_it_said_before() -> None:
    async def scene() -> None:
        node = node_of(Others(), store=ScriptedStore({"titles": [{"title": 7, "runtime_s": 5400}]}))
        before = await ask("catalog", "title", {"title": 7}, node)
        node = replace(node, store=ScriptedStore({}))
        assert await ask("catalog", "title", {"title": 7}, node) == {**before, "stale": True}
        with pytest.raises(ServiceFailed):
            await ask("catalog", "title", {"title": 8}, node)

    asyncio.run(scene())


def test_search_asks_for_the_index_once_in_a_while(jump: Jump) -> None:
    async def scene() -> None:
        others = Others(catalog_index={"names": ["Quiet River"]})
        node = node_of(others)
        for _ in range(3):
            assert await ask("search", "find", {"q": "river"}, node) == {"titles": [0]}
        assert len(others.asked) == 1
        await asyncio.sleep(search.INDEX_S)
        await ask("search", "find", {"q": "river"}, node)
        assert len(others.asked) == 2

    jump(scene())


def test_history_answers_with_the_newest_titles_first() -> None:
    async def scene() -> None:
        node = node_of(Others(), cache=Shelf(), store=ScriptedStore({"bookmarks": []}))
        for title, position_s in [*((n, 20) for n in range(12)), (5, 40)]:
            body = {"member": 1, "title": title, "position_s": position_s}
            await ask("history", "heartbeat", body, node)
        watched = (await ask("history", "watched", {"member": 1}, node))["watched"]
        assert isinstance(watched, list)
        assert [one["title"] for one in watched] == [5, 11, 10, 9, 8, 7, 6, 4, 3, 2]
        bookmark = await ask("history", "bookmark", {"member": 1, "title": 5}, node)
        assert bookmark == {"position_s": 40}
        bookmark = await ask("history", "bookmark", {"member": 1, "title": 0}, node)
        assert bookmark == {"position_s": 0}

    asyncio.run(scene())


def test_a_position_that_cannot_be_written_goes_along_with_the_next() -> None:
    async def scene() -> None:
        others = Others(history_stop={"fallback": True})
        node = node_of(others)
        late = {"member": 1, "title": 7, "position_s": 30}
        await ask("edge", "stop", late, node)
        assert len(node.late) == 1
        others.answers["history/stop"] = {}
        await ask("edge", "stop", {"member": 2, "title": 8, "position_s": 5}, node)
        assert others.asked[-1][1]["late"] == [late]
        assert len(node.late) == 0

    asyncio.run(scene())


def test_a_position_is_not_lost_when_its_second_try_fails_too() -> None:
    async def scene() -> None:
        node = node_of(Others(history_stop={"fallback": True}))
        for member in (1, 2):
            await ask("edge", "stop", {"member": member, "title": 7, "position_s": 30}, node)
        assert len(node.late) == 2
        with pytest.raises(ServiceFailed):
            await ask("edge", "stop", {"member": 3}, replace(node, calls=Others()))
        assert [key for key, _ in node.late.take(9)] == ["1/7", "2/7"]

    asyncio.run(scene())


def test_late_writes_that_come_back_make_no_newer_one_old() -> None:
    late = LateWrites(writes_max=2)
    late.put("a", {"n": 1})
    taken = late.take(1)
    late.put("a", {"n": 2})
    late.give_back(taken)
    assert late.take(9) == [("a", {"n": 2})]
    late.put("b", {}), late.put("c", {})
    late.give_back(taken)
    assert (len(late), late.dropped) == (2, 1)


def test_memory_forgets_what_was_kept_longest_ago() -> None:
    memory = Memory(entries_max=2)
    for key in "abac":
        memory.keep(key, {"key": key})
    assert [memory.get(key) is not None for key in "abc"] == [True, False, True]
