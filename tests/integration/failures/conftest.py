"""One small platform for all failure tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.bed import Bed, made_bed, wait_until


@pytest.fixture(autouse=True)
def _calm() -> None:
    """No test's picture is taken while what the last one started is still on its way out."""
    here = Bed(Path("/nonexistent"))
    busy = ("chaosctl.drivers.network", "chaosctl.watchdog", "chaosctl run")
    wait_until(lambda: not any(here.processes(words) for words in busy), 15, "calm")


@pytest.fixture
def fresh() -> Iterator[Bed]:
    """A bed without a platform, for tests that kill one."""
    with made_bed() as made:
        yield made


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    """A bed whose small platform is up."""
    with made_bed() as made:
        made.up("--size", "small")
        yield made
