"""Services, discovery servers, cache, store and viewers, as processes: who notices what."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from demo_platform.services import SERVICES
from tests.integration.demo.scenes import ZONES, Scene, failed_share, small_platform
from tests.integration.demo.worlds import SMALL

pytestmark = pytest.mark.integration


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A platform on which streams have been started."""
    with small_platform() as one:
        one.until(
            lambda: one.sink.total("ipc.result", name="playback.starts").get("success", 0) > 20
        )
        yield one


def test_every_series_is_there_from_the_first_step_on(scene: Scene) -> None:
    causes = {tags["cause"] for tags, _, _ in scene.sink.points(name="playback.starts")}
    assert causes == {
        *SERVICES,
        *("dns", "none", "unreachable"),
    }
    edges = scene.sink.points(name="edge.requests", status="5xx")
    assert {tags["nf.zone"] for tags, _, _ in edges} == set(ZONES)
    assert all(timestamp_ms % 1000 == 0 for _, timestamp_ms, _ in edges)
    series = {frozenset(tags.items()) for tags, _, _ in scene.sink.points()}
    nodes = [dict(one)["nf.node"] for one in series]
    assert max(nodes.count(node) for node in set(nodes)) <= 136
    assert set(_last(scene, "eureka.registered")) == {SMALL}
    # A peer that is up before its first instances' second renewals may hold on for a moment.
    scene.until(lambda: set(_last(scene, "eureka.selfPreservation")) == {0.0})


def test_starts_go_on_when_recs_is_killed(scene: Scene) -> None:
    scene.signal_all(signal.SIGKILL, service="recs")
    assert failed_share(scene.starts_after(1.0, 8.0)) < 0.03
    outcomes = scene.sink.total("outcome", name="client.calls", target="recs")
    assert outcomes["fallback"] > 20
    assert outcomes["failed"] == 0
    # Two leases, a pass at most two seconds later, and a step until it is published.
    scene.until(lambda: set(_last(scene, "eureka.registered")) == {SMALL - 3}, within_s=10)


def test_starts_go_on_when_recs_hangs(scene: Scene) -> None:
    scene.signal_all(signal.SIGSTOP, service="recs")
    assert failed_share(scene.starts_after(1.0, 8.0)) < 0.03
    scene.until(lambda: sum(scene.sink.total("target", name="hystrix.open").values()) > 0)
    scene.signal_all(signal.SIGCONT, service="recs")


def test_starts_fail_because_of_abtest_when_nothing_falls_back(scene: Scene) -> None:
    scene.world.ask("PUT", "/v1/switches", {"no-fallback": True})
    scene.signal_all(signal.SIGKILL, service="abtest")
    starts = scene.starts_after(1.0, 8.0)
    assert failed_share(starts) > 0.9
    assert max(starts, key=lambda cause: starts[cause]) == "abtest"
    scene.world.ask("PUT", "/v1/switches", {"no-fallback": False})
    assert failed_share(scene.starts_after(1.0, 8.0)) < 0.03


def test_a_hung_zone_is_kept_by_self_preservation_and_comes_back(scene: Scene) -> None:
    scene.signal_all(signal.SIGSTOP, zone="us-east-1b")
    assert failed_share(scene.starts_after(0.0, 10.0)) < 0.03
    others = ("us-east-1a", "us-east-1c")
    scene.until(lambda: set(_last(scene, "eureka.selfPreservation", *others)) == {1.0})
    assert set(_last(scene, "eureka.registered", *others)) == {SMALL}
    scene.signal_all(signal.SIGCONT, zone="us-east-1b")
    scene.until(lambda: set(_last(scene, "eureka.selfPreservation")) == {0.0})
    scene.until(lambda: set(_last(scene, "eureka.registered")) == {SMALL})
    assert failed_share(scene.starts_after(0.0, 8.0)) < 0.03


def test_an_instance_that_is_asked_to_go_leaves_at_once(scene: Scene) -> None:
    places = [{"group": "catalog-us-east-1", "zone": "us-east-1a"}]
    scene.world.ask("PUT", "/v1/suspensions/test", {"groups": places})
    scene.signal_all(signal.SIGTERM, service="catalog", zone="us-east-1a")
    scene.until(lambda: set(_last(scene, "eureka.registered")) == {SMALL - 1}, within_s=2.9)
    assert failed_share(scene.starts_after(0.0, 8.0)) < 0.03


def _last(scene: Scene, name: str, *zones: str) -> list[float]:
    """What each zone's discovery server last published under a name."""
    last: dict[str, float] = {}
    for tags, _, value in scene.sink.points(name=name):
        last[tags["nf.zone"]] = value
    return [last[zone] for zone in zones or ZONES]
