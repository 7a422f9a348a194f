"""What a discovery server lists, read with distrust."""

from __future__ import annotations

import asyncio

import aiohttp
import msgspec
import pytest

from demo_platform.eureka.description import describe
from demo_platform.eureka.shapes import registration_as_wire
from demo_platform.http_message import JSON
from demo_platform.registration import deregister, fetch_registered, set_status, up_ids
from demo_platform.topology import InstanceSpec
from tests.contract.eureka_servers import ours


def document(*instances: object) -> object:
    return {"applications": {"application": [{"name": "API", "instance": list(instances)}]}}


@pytest.mark.parametrize(
    ("document", "ids"),
    [
        (
            document({"instanceId": "i-1", "status": "UP"}, {"instanceId": "i-2", "status": "up"}),
            {"i-1", "i-2"},
        ),
        (
            document(
                {"instanceId": "i-1", "status": "DOWN"},
                {"instanceId": "i-3", "status": "STARTING"},
                {"instanceId": "i-2"},
                {"status": "UP"},
            ),
            set(),
        ),
        (document(None, "i-1", 3), set()),
        ({"applications": {"application": []}}, set()),
        ({"applications": {"application": [{"instance": {}}, 3]}}, set()),
        ({"applications": {}}, set()),
        ({"applications": []}, set()),
        ([], set()),
        (None, set()),
    ],
)
def test_only_instances_that_are_up_count(document: object, ids: set[str]) -> None:
    assert up_ids(document) == ids


def test_a_status_is_set_and_taken_back_where_a_server_hears_of_it() -> None:
    def spec(name: str, service: str, port: int) -> InstanceSpec:
        return InstanceSpec(name, service, "g", "r", "a", "127.0.0.1", port, 1, (), "")

    async def scene(port: int) -> None:
        away, server = spec("i-away", "eureka", 1), spec("i-e", "eureka", port)
        known, unknown = spec("i-known", "api", 8080), spec("i-other", "api", 8081)
        url = f"http://127.0.0.1:{port}/eureka/v2/apps/API"
        said = registration_as_wire(describe(known, status="UP", dirty_ms=1))
        async with aiohttp.ClientSession() as session:
            body, headers = msgspec.json.encode({"instance": said}), {"Content-Type": JSON}
            async with session.post(url, data=body, headers=headers) as reply:
                assert reply.status == 204

            async def told(servers: list[InstanceSpec], of: InstanceSpec) -> tuple[bool, bool]:
                out = await set_status(session, servers, of, is_in_service=False)
                return out, await set_status(session, servers, of, is_in_service=True)

            assert await told([away, server], known) == (True, True)
            assert await told([away, server], unknown) == (False, True), "nothing to take back"
            assert await told([away], known) == (False, False)

    with ours() as address:
        asyncio.run(scene(int(address.rpartition(":")[2])))


def test_supervisor_reads_the_lists_and_takes_off_who_is_gone() -> None:
    def spec(name: str, service: str, port: int) -> InstanceSpec:
        return InstanceSpec(name, service, "g", "r", "a", "127.0.0.1", port, 1, (), "")

    async def scene(port: int) -> None:
        server, away = spec("i-e", "eureka", port), spec("i-away", "eureka", 1)
        gone = spec("i-gone", "api", 8080)
        instance = describe(gone, status="UP", dirty_ms=1)
        url = f"http://127.0.0.1:{port}/eureka/v2/apps/API"
        async with aiohttp.ClientSession() as session:
            assert await fetch_registered(session, [away]) == set()
            body = msgspec.json.encode({"instance": registration_as_wire(instance)})
            headers = {"Content-Type": "application/json"}
            async with session.post(url, data=body, headers=headers) as reply:
                assert reply.status == 204
            assert await fetch_registered(session, [away, server]) == {"i-e", "i-gone"}
            assert await deregister(session, [away, server], gone)
            assert not await deregister(session, [away, server], gone)
            await asyncio.sleep(0.15)  # the read cache's period
            assert await fetch_registered(session, [server]) == {"i-e"}

    with ours() as address:
        asyncio.run(scene(int(address.rpartition(":")[2])))
