"""How an instance of this platform describes itself to a server."""

from __future__ import annotations

from demo_platform.builds import BUILD_LABEL, VERSION_LABEL, build_of, image_of
from demo_platform.eureka.periods import PERIODS
from demo_platform.eureka.shapes import AMAZON, DataCenter, Instance, LeaseTerms, Port
from demo_platform.topology import InstanceSpec

HEALTH_PATH = "/healthcheck"


def describe(spec: InstanceSpec, *, status: str, dirty_ms: int) -> Instance:
    """An instance's registration: it says that it runs at Amazon, and in which zone."""
    base = f"http://{spec.address}:{spec.port}"
    return Instance(
        id=spec.id,
        host=spec.address,
        app=spec.service.upper(),
        address=spec.address,
        status=status,
        port=Port(spec.port, is_enabled=True),
        secure_port=Port(443, is_enabled=False),
        data_center=DataCenter(
            AMAZON,
            "Amazon",
            {
                "availability-zone": spec.zone,
                "instance-id": spec.id,
                "local-ipv4": spec.address,
                "ami-id": image_of(spec.service, build_of(spec.labels)),
            },
        ),
        lease_terms=LeaseTerms(max(1, round(PERIODS.renewal_s)), max(1, round(PERIODS.lease_s))),
        metadata={"region": spec.region, **_build(spec)},
        home_url=f"{base}/",
        health_url=f"{base}{HEALTH_PATH}",
        vip=spec.service,
        group=spec.group,
        dirty_ms=dirty_ms,
    )


def _build(spec: InstanceSpec) -> dict[str, str]:
    """Which version it is, and what is known of that, where it was told."""
    labels = dict(spec.labels)
    return {name: labels[name] for name in (VERSION_LABEL, BUILD_LABEL) if name in labels}
