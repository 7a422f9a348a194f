"""What any Eureka server must do on the wire, asked by a client that nobody changed for it.

The same questions go to ours, under both of its base paths, and to the original.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from urllib.error import HTTPError

import pytest
from py_eureka_client import eureka_basic as basic
from py_eureka_client.eureka_client import EurekaClient as PublishedClient

from demo_platform.eureka.client import EurekaClient
from demo_platform.eureka.directory import Directory
from demo_platform.eureka.periods import Periods
from demo_platform.topology import InstanceSpec
from demo_platform.wires.http_client import HttpTransport
from tests.contract.eureka_questions import REPLICA, SEEN_WITHIN_S, Server
from tests.contract.eureka_servers import (
    CACHE_S,
    INSTALLS_WITHIN_S,
    STARTS_WITHIN_S,
    original,
    ours,
)

CLIENTS_OWN = "ignore:The 'warn' method:DeprecationWarning"
pytestmark = pytest.mark.filterwarnings(CLIENTS_OWN)
ENGINES = [
    pytest.mark.integration,
    pytest.mark.engines,
    pytest.mark.timeout(STARTS_WITHIN_S + INSTALLS_WITHIN_S + 60),
]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("/eureka", id="ours"),
        pytest.param("/eureka/v2", id="ours-v2"),
        pytest.param("original", id="original", marks=ENGINES),
    ],
)
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "original":
        with original(tmp_path_factory.mktemp("eureka")) as address:
            yield f"{address}/eureka"
    else:
        with ours() as address:
            yield address + request.param


@pytest.fixture
def server(base: str, request: pytest.FixtureRequest) -> Server:
    """Each test has an application of its own."""
    name = request.node.originalname.removeprefix("test_").replace("_", "-")
    return Server(base, name.upper()[:40])


@contextlib.contextmanager
def refused(status: int) -> Iterator[None]:
    with pytest.raises(HTTPError) as caught:
        yield
    assert caught.value.code == status
    caught.value.close()


def test_registers_and_lists(server: Server) -> None:
    said = server.register(metadata={"zone": "us-east-1a", "k": "v"})
    server.until(server.listed)
    one = server.listed()[said.instanceId]
    assert (one.app, one.status, one.overriddenstatus) == (server.app, "UP", "UNKNOWN")
    assert (one.port.port, one.port.enabled, one.securePort.enabled) == (9090, True, False)
    assert (one.metadata, one.zone) == ({"zone": "us-east-1a", "k": "v"}, "us-east-1a")
    assert (one.leaseInfo.renewalIntervalInSecs, one.leaseInfo.durationInSecs) == (30, 90)
    assert one.leaseInfo.registrationTimestamp > 0
    assert one.leaseInfo.serviceUpTimestamp > 0
    assert one.lastDirtyTimestamp == 1_700_000_000_000
    again = asyncio.run(basic.get_app_instance(server.base, server.app, said.instanceId))
    assert again.instanceId == said.instanceId


def test_renews_who_is_known_and_asks_who_is_not_to_register(server: Server) -> None:
    said = server.register()
    beat = basic.send_heartbeat
    asyncio.run(beat(server.base, server.app, said.instanceId, said.lastDirtyTimestamp))
    with refused(404):
        asyncio.run(beat(server.base, server.app, "nobody", 1))
    with refused(404):
        newer = said.lastDirtyTimestamp + 1
        asyncio.run(beat(server.base, server.app, said.instanceId, newer))
    older = said.lastDirtyTimestamp - 1
    asyncio.run(beat(server.base, server.app, said.instanceId, older))


def test_cancels_once(server: Server) -> None:
    said = server.register()
    asyncio.run(basic.cancel(server.base, server.app, said.instanceId))
    with refused(404):
        asyncio.run(basic.cancel(server.base, server.app, said.instanceId))
    server.until(lambda: not server.listed())
    with refused(404):
        asyncio.run(basic.get_app_instance(server.base, server.app, said.instanceId))


def test_tells_what_changed(server: Server) -> None:
    def actions() -> dict[str, str]:
        found = asyncio.run(basic.get_delta(server.base)).get_application(server.app)
        return {one.instanceId[-3:]: one.actionType for one in found.instances}

    gone, kept = server.register("one"), server.register("two")
    server.until(lambda: actions() == {"one": "ADDED", "two": "ADDED"})
    asyncio.run(basic.cancel(server.base, server.app, gone.instanceId))
    dirty_ms = kept.lastDirtyTimestamp
    asyncio.run(basic.status_update(server.base, server.app, kept.instanceId, dirty_ms, "DOWN"))
    server.until(lambda: actions() == {"one": "DELETED", "two": "MODIFIED"})


def test_hashcode_counts_statuses(server: Server) -> None:
    server.register("one")
    server.register("two", status="STARTING")

    def agrees(delta: basic.Applications, whole: basic.Applications) -> bool:
        counts: dict[str, int] = {}
        for application in whole.applications:
            for one in application.instances:
                counts[one.status] = counts.get(one.status, 0) + 1
        expected = "".join(f"{status}_{counts[status]}_" for status in sorted(counts))
        return expected == whole.appsHashcode == delta.appsHashcode and "STARTING" in counts

    server.until(
        lambda: agrees(
            asyncio.run(basic.get_delta(server.base)),
            asyncio.run(basic.get_applications(server.base)),
        )
    )


def test_finds_by_virtual_host_name(server: Server) -> None:
    said = server.register()
    vip, svip = said.vipAddress, said.secureVipAddress

    def names(found: basic.Applications) -> list[str]:
        return [one.instanceId for app in found.applications for one in app.instances]

    server.until(lambda: server.ask("GET", f"vips/{vip}")[0] == 200)
    assert names(asyncio.run(basic.get_vip(server.base, vip))) == [said.instanceId]
    assert names(asyncio.run(basic.get_secure_vip(server.base, svip))) == [said.instanceId]
    assert server.ask("GET", f"vips/{vip}")[1]["applications"]["versions__delta"] == "-1"
    assert names(asyncio.run(basic.get_vip(server.base, "no-such-vip"))) == []


def test_an_override_holds_until_it_is_taken_away(server: Server) -> None:
    said = server.register()
    key = (server.base, server.app, said.instanceId)
    asyncio.run(basic.status_update(*key, said.lastDirtyTimestamp, "OUT_OF_SERVICE"))
    assert server.statuses(server.path()) == ("OUT_OF_SERVICE", "OUT_OF_SERVICE")
    asyncio.run(basic.send_heartbeat(*key, said.lastDirtyTimestamp))
    server.register()
    assert server.statuses(server.path()) == ("OUT_OF_SERVICE", "OUT_OF_SERVICE")
    asyncio.run(basic.delete_status_override(*key, said.lastDirtyTimestamp))
    assert server.statuses(server.path()) == ("UNKNOWN", "UNKNOWN")
    with refused(404):
        asyncio.run(basic.send_heartbeat(*key, said.lastDirtyTimestamp))
    server.register()
    assert server.statuses(server.path()) == ("UP", "UNKNOWN")


def test_an_override_is_cleared_with_the_status_that_follows(server: Server) -> None:
    server.register()
    assert server.ask("PUT", server.path() + "/status?value=OUT_OF_SERVICE")[0] == 200
    assert server.ask("DELETE", server.path() + "/status?value=UP")[0] == 200
    assert server.ask("GET", server.path())[1]["instance"]["status"] == "UP"
    assert server.ask("PUT", f"apps/{server.app}/nobody/status?value=UP")[0] == 404
    assert server.ask("DELETE", f"apps/{server.app}/nobody/status")[0] == 404


def test_metadata_is_added_to(server: Server) -> None:
    server.register(metadata={"a": "1"})
    assert server.ask("PUT", server.path() + "/metadata?b=2&a=3")[0] == 200
    assert server.ask("GET", server.path())[1]["instance"]["metadata"] == {"a": "3", "b": "2"}
    assert server.ask("PUT", f"apps/{server.app}/nobody/metadata?b=2")[0] == 404


def test_both_base_paths_are_one_registry(server: Server) -> None:
    server.register()
    address = server.base.split("/eureka")[0]
    for base in ("/eureka", "/eureka/v2"):
        other = Server(address + base, server.app)
        assert other.ask("GET", server.path())[1]["instance"]["status"] == "UP"
        assert other.ask("PUT", server.path())[0] == 200


def test_json_has_the_originals_shape(server: Server) -> None:
    said = server.register(metadata={})
    one = server.ask("GET", f"instances/{said.instanceId}")[1]["instance"]
    assert one["port"] == {"$": 9090, "@enabled": "true"}
    assert one["securePort"] == {"$": 9443, "@enabled": "false"}
    assert one["overriddenStatus"] == "UNKNOWN"
    assert one["isCoordinatingDiscoveryServer"] == "false"
    assert one["lastDirtyTimestamp"] == "1700000000000"
    assert isinstance(one["lastUpdatedTimestamp"], str)
    assert one["actionType"] == "ADDED"
    assert one["metadata"] == {"@class": "java.util.Collections$EmptyMap"}
    assert one["dataCenterInfo"]["name"] == "MyOwn"
    assert set(one["leaseInfo"]) == {
        *("renewalIntervalInSecs", "durationInSecs", "registrationTimestamp"),
        *("lastRenewalTimestamp", "evictionTimestamp", "serviceUpTimestamp"),
    }
    server.until(lambda: server.ask("GET", f"apps/{server.app}")[0] == 200)
    application = server.ask("GET", f"apps/{server.app}")[1]["application"]
    assert (application["name"], len(application["instance"])) == (server.app, 1)
    whole = server.ask("GET", "apps")[1]["applications"]
    assert set(whole) == {"versions__delta", "apps__hashcode", "application"}
    assert server.ask("GET", "apps/delta")[1]["applications"]["application"]


@pytest.mark.parametrize("path", ["apps/NOBODY", "apps/NOBODY/x", "instances/x"])
def test_who_is_not_there_is_not_found(server: Server, path: str) -> None:
    assert server.ask("GET", path)[0] == 404


@pytest.mark.parametrize("missing", ["hostName", "ipAddr", "app", "dataCenterInfo"])
def test_a_registration_that_lacks_something_is_refused(server: Server, missing: str) -> None:
    said = {
        "instanceId": "x",
        "hostName": "h",
        "app": server.app,
        "ipAddr": "127.0.0.1",
        "dataCenterInfo": {
            "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo",
            "name": "MyOwn",
        },
    }
    assert server.ask("POST", f"apps/{server.app}", {"instance": said})[0] == 204
    del said[missing]
    assert server.ask("POST", f"apps/{server.app}", {"instance": said})[0] == 400


def test_a_peer_with_an_older_state_is_sent_the_newer(server: Server) -> None:
    said = server.register()
    beat = f"{server.path()}?status=UP&lastDirtyTimestamp={said.lastDirtyTimestamp - 1}"
    status, answer = server.ask("PUT", beat, headers=REPLICA)
    assert status == 409
    assert answer["instance"]["lastDirtyTimestamp"] == "1700000000000"


def test_a_peers_batch_is_done_and_answered_event_by_event(server: Server) -> None:
    server.register()
    one = server.ask("GET", server.path())[1]["instance"]
    common = {"appName": server.app, "lastDirtyTimestamp": 1_700_000_000_000, "status": "UP"}
    name = f"{server.app}:one"
    other = {**one, "instanceId": f"{server.app}:two"}
    events = [
        {**common, "action": "Heartbeat", "id": name},
        {**common, "action": "Heartbeat", "id": "nobody"},
        {**common, "action": "Heartbeat", "id": name, "lastDirtyTimestamp": 1_699_999_999_999},
        {**common, "action": "Register", "id": other["instanceId"], "instanceInfo": other},
        {**common, "action": "StatusUpdate", "id": name, "status": "OUT_OF_SERVICE"},
        {**common, "action": "DeleteStatusOverride", "id": name},
        {**common, "action": "Cancel", "id": name},
    ]
    path = "peerreplication/batch/"
    status, answer = server.ask("POST", path, {"replicationList": events}, headers=REPLICA)
    assert status == 200
    answers = answer["responseList"]
    assert [one["statusCode"] for one in answers] == [200, 404, 409, 200, 200, 200, 200]
    assert answers[2]["responseEntity"]["instanceId"] == name
    assert server.ask("GET", server.path("one"))[0] == 404
    assert server.ask("GET", server.path("two"))[0] == 200


def test_an_unmodified_client_lives_a_whole_life(server: Server) -> None:
    async def life() -> None:
        client = PublishedClient(
            eureka_server=server.base,
            app_name=server.app,
            instance_host="127.0.0.1",
            instance_ip="127.0.0.1",
            instance_port=9090,
            renewal_interval_in_secs=30,
        )
        await client.start()
        await client.send_heartbeat()
        name = f"127.0.0.1:{server.app.lower()}:9090"
        await basic.cancel(server.base, server.app, name)  # an eviction, as the client sees it
        await client.send_heartbeat()
        assert server.statuses(f"apps/{server.app}/{name}") == ("UP", "UNKNOWN")
        await client.status_update("OUT_OF_SERVICE")
        assert server.statuses(f"apps/{server.app}/{name}")[0] == "OUT_OF_SERVICE"
        await client.delete_status_override()
        await client.stop()

    asyncio.run(life())
    assert server.ask("GET", f"apps/{server.app}/127.0.0.1:{server.app.lower()}:9090")[0] == 404


def test_our_client_is_listed_finds_others_and_leaves(server: Server) -> None:
    service = server.app.lower()
    host, _, port = server.base.split("/")[2].partition(":")
    periods = Periods(renewal_s=0.1, fetch_s=0.1, cache_s=CACHE_S, delta_s=5.0)

    def spec(name: str) -> InstanceSpec:
        own = ("a", host, int(port))
        return InstanceSpec(name, service, "g", "r", "us-east-1a", "127.0.0.1", 1, 1, (own,), "")

    async def until(claim: Callable[[], bool]) -> None:
        async with asyncio.timeout(SEEN_WITHIN_S):
            while not claim():
                await asyncio.sleep(0.05)

    async def lives() -> None:
        directories = [Directory(), Directory()]
        http = HttpTransport()
        clients = [
            EurekaClient(spec(name), http, directory, registers=True, periods=periods)
            for name, directory in zip(("i-1", "i-2"), directories, strict=True)
        ]
        tasks = [asyncio.create_task(client.run()) for client in clients]
        both = {"i-1", "i-2"}
        await until(lambda: all(directory.ids() >= both for directory in directories))
        (peer,) = (one for one in directories[0].peers(service) if one.id == "i-2")
        assert (peer.zone, peer.base) == ("us-east-1a", "http://127.0.0.1:1/")
        tasks[1].cancel()
        await clients[1].leave()
        await until(lambda: directories[0].ids() & both == {"i-1"})
        tasks[0].cancel()
        await clients[0].leave()
        await asyncio.gather(*tasks, return_exceptions=True)
        http.close()

    asyncio.run(lives())
    assert [server.ask("GET", f"apps/{server.app}/{name}")[0] for name in ("i-1", "i-2")] == [
        404
    ] * 2
