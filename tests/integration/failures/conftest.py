"""One small platform for all failure tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.bed import Bed, made_bed


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    """A bed whose small platform is up."""
    with made_bed() as made:
        made.up("--size", "small")
        yield made
