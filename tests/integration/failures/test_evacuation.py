"""A region that is left, on two: its edges pass on all they are asked, and nothing stays of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from chaosctl.control import Control
from chaosctl.drivers.demo import DemoTarget
from tests.integration.bed import Bed, made_bed, wait_until
from tests.matrix.cells import Cell
from tests.matrix.trying import try_cell

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
HERE, THERE = "us-east-1", "us-west-2"
FEW = 0.05


@pytest.fixture(scope="module")
def two() -> Iterator[Bed]:
    """A bed whose platform has two regions."""
    with made_bed() as made:
        made.up()
        yield made


@dataclass(frozen=True, slots=True)
class Regions:
    """What is asked where, as the instances say themselves."""

    target: DemoTarget

    def asked(self, service: str) -> Mapping[str, float]:
        """Requests of a service in a second, by region."""
        chosen = [each for each in self.target.instances() if each.service == service]
        told = self.target.asked_per_second(chosen)
        rates: dict[str, float] = dict.fromkeys((HERE, THERE), 0.0)
        for each in chosen:
            rates[each.region] += told[each.id] or 0.0
        return rates

    def kept(self, region: str) -> float:
        """What a region's edges answer themselves in a second."""
        edge = next(each for each in self.target.instances() if each.region == region)
        return self.target.kept_per_second([edge])[edge.id] or 0.0


def test_edges_pass_on_to_the_other_region_what_the_dial_says(two: Bed) -> None:
    path = two.runtime / "demo" / "control.sock"
    control, target = Control(path), DemoTarget(path)
    regions = Regions(target)
    try:
        wait_until(lambda: min(regions.asked("api").values()) > 20, 20, "requests in both")
        before, kept = regions.asked("api"), regions.kept(HERE)
        control.set_dials({f"proxy-{HERE}": 1.0})
        wait_until(lambda: regions.kept(HERE) <= FEW * kept, 10, "all passed on")
        there = regions.asked("api")
        assert there[HERE] <= FEW * before[HERE], there
        assert there[THERE] >= 1.5 * before[THERE], there
        assert regions.asked("edge")[HERE] >= 0.5 * kept
        control.set_dials({f"proxy-{THERE}": 1.0})
        wait_until(lambda: min(map(regions.kept, (HERE, THERE))) >= 0.5 * kept, 10, "no circle")
        control.set_dials({f"proxy-{HERE}": 0.0, f"proxy-{THERE}": 0.0})
        wait_until(lambda: regions.asked("api")[HERE] >= 0.5 * before[HERE], 10, "as before")
    finally:
        target.close()


@pytest.mark.parametrize("event", ["SIGKILL", "SIGKILL of both", "SIGINT"])
def test_nothing_is_left_of_a_region_that_was_left(two: Bed, event: str) -> None:
    control = Control(two.runtime / "demo" / "control.sock")
    before = control.platform()["dials"], sizes(control)
    result = try_cell(two, Cell("watch", event, "evacuation"))
    print(f"{event}: clean after {result.clean_s} s, hit in {result.hit}")
    assert not result.left, result
    assert (control.platform()["dials"], sizes(control)) == before
    assert control.evacuation() == {}


def sizes(control: Control) -> dict[str, int]:
    """Every group's."""
    return {name: group["desired"] for name, group in control.groups().items()}
