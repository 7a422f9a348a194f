"""A small platform whose cache is lost, hung and back again: who reads where, and who notices."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from tests.integration.demo.scenes import ZONES, Scene, failed_share, small_platform

pytestmark = pytest.mark.integration
LOST = ZONES[1]


@pytest.fixture
def warm() -> Iterator[Scene]:
    """A platform whose cache has been used for a while in every zone."""
    with small_platform() as scene:
        for zone in ZONES:
            scene.until(lambda zone=zone: reads(scene, "hit", zone=zone) > 20)
        yield scene


def reads(scene: Scene, result: str, **tags: str) -> float:
    """Reads that ended so, by everything that has been published."""
    total = scene.sink.total("result", name="evcache.client.reads", **tags)
    return total.get(result, 0.0)


def test_a_zone_whose_cache_is_lost_reads_elsewhere_and_is_filled_when_it_is_back(
    warm: Scene,
) -> None:
    warm.signal_all(signal.SIGKILL, service="evcache", zone=LOST)
    time.sleep(1.0)
    before = {zone: reads(warm, "hit", zone=zone, nf__zone=LOST) for zone in ZONES}
    assert failed_share(warm.starts_after(0.0, 8.0)) < 0.03
    after = {zone: reads(warm, "hit", zone=zone, nf__zone=LOST) for zone in ZONES}
    assert after[LOST] == before[LOST]
    assert sum(after.values()) - sum(before.values()) > 10
    warm.world.ask("DELETE", "/v1/suspensions/test")
    warm.until(lambda: any(v > 5 for _, _, v in warm.sink.points(name="evcache.node.warmed")))
    warm.until(lambda: reads(warm, "hit", zone=LOST) > after[LOST] + 10)


def test_nobody_notices_that_every_cache_node_hangs(warm: Scene) -> None:
    warm.signal_all(signal.SIGSTOP, service="evcache")
    assert failed_share(warm.starts_after(0.5, 8.0)) < 0.03
    assert reads(warm, "fast-fail") > 20
    hits = reads(warm, "hit")
    warm.signal_all(signal.SIGCONT, service="evcache")
    warm.until(lambda: reads(warm, "hit") > hits + 20)
