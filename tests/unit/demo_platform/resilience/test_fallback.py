"""Every optional dependency has a fallback, and each says that it is one."""

import pytest

from demo_platform.resilience.fallback import FALLBACKS
from demo_platform.services import SERVICES


def test_there_is_one_for_each_route_of_an_optional_dependency() -> None:
    optional = {
        (dependency.service, route)
        for service in SERVICES.values()
        for dependency in service.dependencies
        if dependency.is_optional and not dependency.keeps_last
        for route in SERVICES[dependency.service].routes
    }
    assert set(FALLBACKS) == optional


@pytest.mark.parametrize(("service", "route"), sorted(FALLBACKS))
def test_says_that_it_is_a_fallback(service: str, route: str) -> None:
    assert FALLBACKS[service, route]()["fallback"] is True
