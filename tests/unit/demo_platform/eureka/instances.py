"""Registrations for the tests of discovery."""

from __future__ import annotations

from demo_platform.eureka.registry import Moment
from demo_platform.eureka.shapes import DataCenter, Instance, LeaseTerms, Port


def instance(
    name: str = "i-1",
    app: str = "API",
    *,
    status: str = "UP",
    dirty_ms: int = 1000,
    duration_s: int = 3,
    overridden: str | None = None,
) -> Instance:
    """An instance with all that the original insists on."""
    return Instance(
        id=name,
        host="127.0.0.1",
        app=app,
        address="127.0.0.1",
        status=status,
        overridden=overridden,
        port=Port(8080, is_enabled=True),
        data_center=DataCenter(name="MyOwn", metadata={}),
        lease_terms=LeaseTerms(1, duration_s),
        metadata={},
        vip=app.lower(),
        secure_vip=f"{app.lower()}-secure",
        dirty_ms=dirty_ms,
    )


def at(now_s: float) -> Moment:
    """A moment at which both clocks agree."""
    return Moment(now_s, int(now_s * 1000))
