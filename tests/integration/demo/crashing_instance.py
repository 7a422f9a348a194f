"""An instance of which recs ends at once by itself; the others are plain."""

from __future__ import annotations

from demo_platform.knobs import Knobs
from demo_platform.topology import InstanceSpec
from tests.integration.demo import plain_instance


def run_instance(spec: InstanceSpec, knobs: Knobs) -> None:
    """Serve, or crash."""
    if spec.service == "recs" and spec.zone == "us-east-1a":
        raise SystemExit("recs has a bug")
    plain_instance.run_instance(spec, knobs)
