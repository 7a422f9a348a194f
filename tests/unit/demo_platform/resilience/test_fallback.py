"""Every optional dependency has a fallback, and each says that it is one."""

import pytest

from demo_platform.resilience.fallback import FALLBACKS
from demo_platform.services import SERVICES


def test_there_is_one_for_each_optional_dependency() -> None:
    optional = {
        dependency.service
        for service in SERVICES.values()
        for dependency in service.dependencies
        if dependency.is_optional
    }
    assert set(FALLBACKS) == optional


@pytest.mark.parametrize("service", sorted(FALLBACKS))
def test_says_that_it_is_a_fallback(service: str) -> None:
    assert FALLBACKS[service]()["fallback"] is True
