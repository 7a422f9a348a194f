"""`chaosctl demo`: what a newcomer is led through, and what is left of it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from tests.integration.bed import Bed, made_bed
from tests.integration.observer.difference import settle
from tests.integration.observer.snapshot import take

pytestmark = [pytest.mark.integration, pytest.mark.verdicts, pytest.mark.timeout(240)]

TOUR_S_MAX = 180
GONE_WITHIN_S = 5


@pytest.fixture
def bed() -> Iterator[Bed]:
    with made_bed() as made:
        yield made


def test_leads_through_a_failing_and_a_passing_run_and_leaves_nothing(bed: Bed) -> None:
    before = take(bed.scope)
    said = bed.chaosctl("demo", timeout_s=TOUR_S_MAX)
    assert said.code == 0, said.text
    verdicts = [line.split()[1] for line in said.out.splitlines() if line[0] in "✔✘"]
    assert verdicts == ["failed", "passed"]
    print(f"the tour took {said.seconds:.0f} s")
    assert settle(before, bed.scope, GONE_WITHIN_S)[0] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_tour_that_is_ended_early_takes_its_platform_along(bed: Bed, number: int) -> None:
    before = take(bed.scope)
    began_s = time.monotonic()
    tour = bed.start("demo", "--plain")
    assert tour.stderr is not None
    assert any("waiting for" in line for line in iter(tour.stderr.readline, ""))
    tour.send_signal(number)
    assert bed.finish(tour, 60, began_s).code == 128 + number
    assert settle(before, bed.scope, GONE_WITHIN_S)[0] == []
