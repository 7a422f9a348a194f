"""History by RSocket, asked by the rsocket library as it is: all its interactions, and credits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from reactivestreams.subscriber import DefaultSubscriber
from rsocket.awaitable.awaitable_rsocket import AwaitableRSocket
from rsocket.helpers import single_transport_provider
from rsocket.payload import Payload
from rsocket.rsocket_client import RSocketClient
from rsocket.transports.tcp import TransportTCP

from demo_platform.service import Body
from tests.contract.served import serving

WITHIN_S = 5.0
WATCHED = [{"title": n, "position_s": 10 * n} for n in range(7)]


class Shelf:
    """A cache with a member's titles in it."""

    def __init__(self) -> None:
        self.kept: dict[str, Body] = {"7": {"watched": WATCHED}}

    async def fetch(self, key: str, make: Callable[[], Awaitable[Body]]) -> Body:
        return self.kept[key] if key in self.kept else await make()

    async def put(self, key: str, value: Body) -> None:
        self.kept[key] = value

    async def forget(self, key: str) -> None:
        self.kept.pop(key, None)


class Reader(DefaultSubscriber):
    """Takes what it asks for, and no more by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[Any] = []
        self.is_complete = False

    def on_next(self, value: Payload, is_complete: bool = False) -> None:
        self.taken.append(json.loads(value.data))
        self.is_complete |= is_complete

    def on_complete(self) -> None:
        self.is_complete = True


def payload(route: str, body: Body, **headers: str) -> Payload:
    metadata = {name.replace("_", "-"): value for name, value in headers.items()}
    return Payload(json.dumps(body).encode(), json.dumps({**metadata, "route": route}).encode())


async def asked(address: str, scene: Callable[[RSocketClient], Awaitable[None]]) -> None:
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    transport = TransportTCP(reader, writer)
    async with asyncio.timeout(WITHIN_S):
        async with RSocketClient(
            single_transport_provider(transport), keep_alive_period=timedelta(seconds=1)
        ) as client:
            await scene(client)


def play(scene: Callable[[RSocketClient], Awaitable[None]], **served: Any) -> Shelf:
    shelf = Shelf()
    with serving("history", {}, cache=shelf, **served) as address:
        asyncio.run(asked(address, scene))
    return shelf


async def holds(claim: Callable[[], bool]) -> None:
    while not claim():
        await asyncio.sleep(0.01)


def test_answers_a_request() -> None:
    async def scene(client: RSocketClient) -> None:
        answer = await client.request_response(payload("bookmark", {"member": 7, "title": 3}))
        assert json.loads(answer.data) == {"position_s": 30}

    play(scene)


def test_takes_what_nobody_waits_for() -> None:
    async def scene(client: RSocketClient) -> None:
        for position_s in (20, 40):
            body = {"member": 8, "title": 1, "position_s": position_s}
            await client.fire_and_forget(payload("heartbeat", body))
        await client.fire_and_forget(payload("bookmark", {"member": 9}))
        await client.fire_and_forget(Payload(b"no JSON", b"no JSON either"))
        answer: dict[str, int] = {}
        while answer.get("position_s") != 40:
            request = payload("bookmark", {"member": 8, "title": 1})
            answer = json.loads((await client.request_response(request)).data)

    assert set(play(scene).kept) == {"7", "8"}


def test_streams_no_more_than_was_asked_for() -> None:
    async def scene(client: RSocketClient) -> None:
        reader = Reader()
        client.request_stream(payload("watched", {"member": 7})).initial_request_n(2).subscribe(
            reader
        )
        await holds(lambda: len(reader.taken) == 2)
        await asyncio.sleep(0.1)
        assert reader.taken == WATCHED[:2]
        reader.subscription.request(3)
        await holds(lambda: len(reader.taken) == 5)
        await asyncio.sleep(0.1)
        assert (reader.taken, reader.is_complete) == (WATCHED[:5], False)
        reader.subscription.request(9)
        await holds(lambda: reader.is_complete)
        assert reader.taken == WATCHED

    play(scene)


def test_streams_nothing_when_there_is_nothing() -> None:
    async def scene(client: RSocketClient) -> None:
        taken = await AwaitableRSocket(client).request_stream(payload("watched", {"member": 1}), 3)
        assert [one.data for one in taken if one.data] == []

    play(scene)


@pytest.mark.parametrize(
    ("request_", "failure"),
    [
        (payload("nothing", {}), {"status": 404, "failed": "history", "kept": False}),
        (Payload(b"{}"), {"status": 404, "failed": "history", "kept": False}),
        (Payload(b"[1]", b'{"route":"stop"}'), {"status": 400, "failed": "history", "kept": False}),
        (
            payload("bookmark", {"member": 7}, x_deadline_ms="1"),
            {"status": 504, "failed": "history", "kept": False},
        ),
    ],
    ids=["no such route", "no route", "no body", "no time"],
)
def test_says_why_it_does_not_answer(request_: Payload, failure: Body) -> None:
    async def scene(client: RSocketClient) -> None:
        with pytest.raises(RuntimeError) as caught:
            await client.request_response(request_)
        assert json.loads(str(caught.value)) == failure
        with pytest.raises(RuntimeError):
            await AwaitableRSocket(client).request_stream(request_, 1)

    play(scene)


def test_sheds_whom_there_is_no_room_for() -> None:
    async def scene(client: RSocketClient) -> None:
        request = payload("bookmark", {"member": 7, "title": 3})
        both = [client.request_response(request) for _ in range(2)]
        answers = await asyncio.gather(*both, return_exceptions=True)
        (shed,) = (one for one in answers if isinstance(one, RuntimeError))
        assert json.loads(str(shed))["status"] == 503

    play(scene, slots=1, work_s=0.3, queue_wait_s=0.0)
