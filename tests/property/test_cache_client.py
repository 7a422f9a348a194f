"""Whatever is lost when: once zones are back and fixed up, none holds what was changed since."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from demo_platform.evcache.client import CacheClient, Quorum
from tests.unit.demo_platform.evcache.zones import Zones

KEYS, ZONES = "kl", "abc"
STEPS = st.one_of(
    st.tuples(st.just("set"), st.sampled_from(KEYS)),
    st.tuples(st.just("delete"), st.sampled_from(KEYS)),
    st.tuples(st.just("touch"), st.sampled_from(KEYS)),
    st.tuples(st.just("lose"), st.sampled_from(ZONES)),
    st.tuples(st.just("back"), st.sampled_from(ZONES)),
    st.tuples(st.just("fix"), st.just("")),
)


class Model:
    """What each key was last changed to, and which zones are away."""

    def __init__(self, zones: Zones) -> None:
        self.zones = zones
        self.every = zones.found
        self.away: set[str] = set()
        self.last: dict[str, bytes | None] = {}

    async def step(self, client: CacheClient, number: int, verb: str, what: str) -> None:
        match verb:
            case "set":
                self.last[what] = b"%d" % number
                written = await client.set(what, b"%d" % number, ttl_s=60, quorum=Quorum.ALL)
                assert written.is_good is not bool(self.away)
            case "delete":
                self.last[what] = None
                assert (await client.delete(what)).is_good is not bool(self.away)
            case "touch":
                await client.touch(what, ttl_s=60, quorum=Quorum.ALL)
            case "lose":
                self.away.add(what)
            case "back":
                self.away.discard(what)
            case "fix":
                await client.fix_up()
        self.zones.found = tuple(node for node in self.every if node.zone not in self.away)

    def check(self) -> None:
        for name in self.zones.nodes:
            for key, value in self.zones.held(name).items():
                last = self.last.get(key.removeprefix(b"app:").decode())
                assert value == last, f"{name} holds {value!r} under {key!r}, last was {last!r}"


@given(st.lists(st.tuples(st.integers(0, 1), STEPS), max_size=25))
def test_no_zone_keeps_what_was_changed(steps: list[tuple[int, tuple[str, str]]]) -> None:
    async def whole() -> None:
        zones = await Zones.started()
        clients = [zones.client("a"), zones.client("b")]
        model = Model(zones)
        try:
            for client in clients:
                await model.step(client, 0, "set", "k")  # so that it knows every zone
            for number, (who, (verb, what)) in enumerate(steps, 1):
                await model.step(clients[who], number, verb, what)
            zones.found = model.every
            for client in clients:
                for _ in range(3):
                    await client.fix_up()
                assert len(client.fix_ups) == 0
            model.check()
        finally:
            await zones.stop()

    asyncio.run(whole())
