"""What a store node says of itself, and where services ask."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from demo_platform.eureka.directory import Directory
from demo_platform.eureka.listing import Registered
from demo_platform.metrics import Meters
from demo_platform.widecolumn.door import Door
from demo_platform.widecolumn.gauges import publish
from demo_platform.widecolumn.wiring import Coordinators
from tests.metric_lines import metrics_of
from tests.unit.demo_platform.widecolumn.region import World, play


def test_a_node_says_whom_it_believes_to_be_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with World(tmp_path, ("r1",)) as world:
            node = world.nodes["r1a"]
            world.network.hung.add(world.endpoint("r1b"))
            await world.client("r1a").write("members", {"member": 1, "plan": "basic"})
            await asyncio.sleep(10)
            meters = Meters({})
            publish(node, meters)
            door = Door(node, meters)
            request = cast("Any", SimpleNamespace(method="GET", path="/ring"))
            ring = msgspec.json.decode(cast("Any", await door.handle(request)).body)
            assert {name: one["is_up"] for name, one in ring.items()} == {
                "r1a": True,
                "r1b": False,
                "r1c": True,
            }
            assert ring["r1b"]["phi"] > 8
            assert (ring["r1b"]["hints"], ring["r1c"]["hints"]) == (1, 0)
            known = {one["tags"]["name"]: one["value"] for one in metrics_of(meters)}
            assert known["cassandra.node.up"] == 2
            assert known["cassandra.node.hints"] == 1
            nowhere = cast("Any", SimpleNamespace(method="GET", path="/rings"))
            assert cast("Any", await door.handle(nowhere)).status == 404

    play(story())


def test_services_ask_their_own_zone_first() -> None:
    directory = Directory()
    directory.learn(
        Registered(f"i-{zone}", "cassandra", "r", zone, f"10.0.0.{n}", 8080, "UP")
        for n, zone in enumerate("abc")
    )
    coordinators = Coordinators(directory, "b", random.Random(1))
    found = [coordinators.find() for _ in range(20)]
    assert {one[0] for one in found} == {("10.0.0.1", 14000)}
    assert {one[1] for one in found} == {("10.0.0.0", 14000), ("10.0.0.2", 14000)}
    assert Coordinators(Directory(), "b", random.Random(1)).find() == []
