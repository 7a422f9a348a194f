"""The platform as one JSON document: what the control API serves and `topology` prints. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from demo_platform.topology import InstanceSpec

SCHEMA = "chaosctl-demo/platform/v1"


class State(StrEnum):
    """Where an instance stands in its life."""

    PLANNED = "planned"
    STARTING = "starting"
    UP = "up"
    DRAINING = "draining"
    STOPPED = "stopped"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class ProcessRef:
    """A process of the host, told from a later one of the same number by its start time."""

    pid: int
    started_ticks: int

    def as_dict(self) -> dict[str, int]:
        """As it stands in the document."""
        return {"pid": self.pid, "started_ticks": self.started_ticks}


NO_PROCESS = ProcessRef(0, 0)


@dataclass(frozen=True, slots=True)
class InstanceView:
    """One instance as seen now. link: its end in the world's root namespace, or empty."""

    spec: InstanceSpec
    process: ProcessRef = NO_PROCESS
    link: str = ""
    state: State = State.PLANNED

    def as_dict(self) -> dict[str, Any]:
        """As it stands in the document."""
        spec = self.spec
        return {
            "id": spec.id,
            "service": spec.service,
            "group": spec.group,
            "region": spec.region,
            "zone": spec.zone,
            "address": spec.address,
            "port": spec.port,
            "cache_port": spec.cache_port,
            "dns_port": spec.dns_port,
            **self.process.as_dict(),
            "link": self.link,
            "state": self.state.value,
            "labels": dict(spec.labels),
        }


@dataclass(frozen=True, slots=True)
class PlatformView:
    """The whole platform as seen now."""

    id: str
    state: str
    fabric: str
    fabric_reason: str
    size: str
    seed: int
    starts_per_second: float
    switches: dict[str, bool]
    instances: Iterable[InstanceView]
    traffic: Iterable[InstanceView]
    bridge: str
    probe_address: str
    keeper: ProcessRef = NO_PROCESS
    supervisor: ProcessRef = NO_PROCESS
    registered: int = 0
    suspensions: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    aws_url: str = ""
    """Where EC2 and Auto Scaling are served on the host; empty where they are not."""
    dials: dict[str, float] = field(default_factory=dict)
    faults_api: str = ""
    has_names: bool = True
    """Whether instances resolve names by the platform's own servers."""

    def as_dict(self) -> dict[str, Any]:
        """The document."""
        return {
            "schema": SCHEMA,
            "id": self.id,
            "state": self.state,
            "fabric": self.fabric,
            "fabric_reason": self.fabric_reason,
            "size": self.size,
            "seed": self.seed,
            "keeper": self.keeper.as_dict(),
            "supervisor": self.supervisor.as_dict(),
            "bridge": self.bridge,
            "probe_address": self.probe_address,
            "starts_per_second": self.starts_per_second,
            "switches": self.switches,
            "dials": self.dials,
            "faults_api": self.faults_api,
            "has_names": self.has_names,
            "suspensions": self.suspensions,
            "problems": self.problems,
            "aws_url": self.aws_url,
            "registered": self.registered,
            "instances": [instance.as_dict() for instance in self.instances],
            "traffic": [instance.as_dict() for instance in self.traffic],
        }
