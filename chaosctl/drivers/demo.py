"""The bundled demo platform as a target: signals, its operators' API, and its network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chaosctl.context import epoch_ms
from chaosctl.control import Control, NotUp
from chaosctl.demo_plan import planned_platform
from chaosctl.drivers.network import (
    builds,
    cache_nodes,
    dns_answers,
    fabrics,
    loads,
    mechanisms,
    proxies,
    regions,
)
from chaosctl.drivers.network.helper import EntryDenied, NetworkHelper
from chaosctl.drivers.network.probing import probe
from chaosctl.drivers.processes import clocks, holding, signalling
from chaosctl.drivers.processes.demo_listing import instances_of, world_of
from chaosctl.drivers.processes.usage import usage_of
from chaosctl.procfs import state_of
from monkeys.errors import TargetFailed
from monkeys.load import LOAD
from monkeys.selection import matches
from monkeys.target import (
    Capability,
    Echoes,
    Instance,
    Lack,
    ProcessState,
    Resolution,
    Resource,
    Serving,
    UndoRecord,
    Usage,
)

_NETLESS = (
    frozenset(Capability)
    - fabrics.ON_THE_WIRE
    - {Capability.CLOCK, Capability.EVACUATE, Capability.NAMES}
)


class DemoTarget:
    """The platform behind a control socket. Safe to share between threads."""

    name = "demo"

    def __init__(self, control: Path, *, now_ms: Callable[[], int] = epoch_ms) -> None:
        self._control = Control(control)
        self._now_ms = now_ms
        self._helper = NetworkHelper()
        held: dict[str, Callable[[UndoRecord], None]] = dict.fromkeys(
            holding.ACTIONS, lambda record: holding.hold(record, self._now_ms())
        )
        self._inject: dict[str, Callable[[UndoRecord], None]] = {
            **held,
            "deployment": lambda record: builds.deploy(self._control, record, self._now_ms()),
            "dns": lambda record: dns_answers.break_names(self._helper, record, self._now_ms()),
            "evacuation": lambda record: regions.evacuate(self._control, record, self._now_ms()),
            "flush": lambda record: cache_nodes.flush(self._helper, record),
            "nft": self._cut,
            "press": lambda record: loads.press(self._helper, record, self._now_ms()),
            "signal": signalling.strike,
            "splice": self._impair,
            "suspension": self._suspend,
            "termination": self._terminate,
            "switches": self._switch,
            "traffic": self._offer,
        }
        self._undo: dict[str, Callable[[UndoRecord], None]] = {
            **dict.fromkeys(holding.ACTIONS, holding.release),
            "deployment": self._end_deployment,
            "dns": lambda record: dns_answers.mend_names(self._helper, record),
            "evacuation": self._bring_back,
            "flush": lambda _: None,  # what was forgotten stays so
            "nft": lambda record: self._mend(record, mechanisms.uncut),
            "press": loads.unpress,
            "signal": signalling.unstrike,
            "splice": lambda record: self._mend(record, mechanisms.mend),
            "suspension": self._release,
            "termination": self._complete_termination,
            "switches": self._switch_back,
            "traffic": self._offer_usual,
        }

    @property
    def id(self) -> str:
        """Of this very world; another start of the platform is another target."""
        return f"demo-{self._control.platform()['id']}"

    def instances(self) -> Sequence[Instance]:
        """Every instance that lives or is starting, by zone, service and id.

        The kernel is asked too: the platform notices a death a little later.
        """
        everybody = instances_of(self._control.platform(), self._control.path)
        return tuple(each for each in everybody if self.state(each) is not ProcessState.GONE)

    def expected(self) -> Mapping[str, int]:
        """How many instances of each service there should be: the dead ones are still listed."""
        return Counter(each["service"] for each in self._control.platform()["instances"])

    def lacks(self, capability: Capability) -> Lack | None:
        """Signals and suspension always work; the network's need namespaces we may enter."""
        if capability in _NETLESS:
            return fabrics.signal_lack() if capability is Capability.SIGNAL else None
        platform = self._control.platform()
        if capability is Capability.EVACUATE:
            return regions.lack(platform)
        if capability is Capability.CLOCK:
            return clocks.lack(world_of(platform)["pid"])
        if platform["fabric"] != "netns":
            return fabrics.lack(platform, capability)
        if capability is Capability.NAMES and not platform.get("has_names"):
            return fabrics.NO_NAMES
        return self._entry_lack(platform)

    def _entry_lack(self, platform: Mapping[str, Any]) -> Lack | None:
        try:
            mechanisms.try_entry(self._helper, world_of(platform))
        except EntryDenied as error:
            return Lack(error.what, error.fix)
        return None

    def state(self, instance: Instance) -> ProcessState:
        """As the kernel says of this very process."""
        return state_of(int(instance.handle["pid"]), int(instance.handle["started_ticks"]))

    def probe(
        self,
        instances: Sequence[Instance],
        *,
        origin: Instance | None = None,
        timeout_ms: int = 200,
    ) -> Mapping[str, float | None]:
        """Round trips, from the world's root or from `origin`; on loopback from here."""
        if not instances:
            return {}
        handle = instances[0].handle
        if not handle["link"]:
            has_proxies = bool(handle.get("faults_api"))
            if has_proxies and origin is not None:
                raise proxies.no_origin()
            addresses = [(each.address, int(each.handle["port"])) for each in instances]
            answers = (proxies.probe if has_proxies else probe)(addresses, timeout_ms=timeout_ms)
            return {each.id: ms for each, ms in zip(instances, answers, strict=True)}
        world = {"pid": handle["world_pid"], "ticks": handle["world_started_ticks"]}
        return mechanisms.probe(
            self._helper, instances, world=world, origin=origin, timeout_ms=timeout_ms
        )

    def echo(
        self, instances: Sequence[Instance], *, count: int, size_bytes: int, timeout_ms: int
    ) -> Mapping[str, Echoes]:
        """What comes back of a burst of echo requests from the world's root."""
        handle = instances[0].handle
        if handle.get("faults_api"):
            raise proxies.no_packets()
        world = {"pid": handle["world_pid"], "ticks": handle["world_started_ticks"]}
        return mechanisms.echo(
            self._helper,
            instances,
            world=world,
            count=count,
            size_bytes=size_bytes,
            timeout_ms=timeout_ms,
        )

    def usage(self, instances: Sequence[Instance], resource: Resource) -> Mapping[str, Usage]:
        """As the kernel says of each process, and of the file system that its disk is."""
        return usage_of(instances, resource)

    def flush_counts(self, instances: Sequence[Instance]) -> Mapping[str, int]:
        """As each cache node says of itself."""
        return cache_nodes.flush_counts(self._helper, instances)

    def clocks(self, instances: Sequence[Instance]) -> Mapping[str, float | None]:
        """As each says itself, in the date of an answer."""
        return mechanisms.clocks(self._helper, instances)

    def resolve(self, instances: Sequence[Instance]) -> Mapping[str, Resolution]:
        """As each one's C library says, or a name server itself."""
        return dns_answers.resolve(self._helper, instances)

    def asked_per_second(self, instances: Sequence[Instance]) -> Mapping[str, float | None]:
        """As each says itself, on its page for Prometheus."""
        return loads.asked_per_second(self._helper, instances)

    def kept_per_second(self, instances: Sequence[Instance]) -> Mapping[str, float | None]:
        """As the edges of its region say, of each."""
        return regions.kept_per_second(self._helper, instances, self.instances())

    def serving(
        self, instances: Sequence[Instance], build: str
    ) -> Mapping[str, tuple[Serving, Serving]]:
        """As processes, discovery and the instances themselves say."""
        everybody = self.instances()
        return builds.serving(self._helper, instances, everybody, build)

    def inject(self, record: UndoRecord) -> None:
        """Do what the record describes."""
        _known(self._inject, record)(record)

    def undo(self, record: UndoRecord) -> None:
        """Take back what the record describes; a world that is gone has nothing left."""
        _known(self._undo, record)(record)

    def warm(self) -> None:
        """Start the network helper ahead, so that the first fault need not wait for it."""
        self._helper.warm()

    def close(self) -> None:
        """End the network helper."""
        self._helper.close()

    def switches(self) -> dict[str, bool]:
        """The fragility switches as they are."""
        return dict(self._control.platform()["switches"])

    def prepare_switches(self, wanted: Mapping[str, bool], record_id: str) -> UndoRecord | None:
        """The record that turns switches for a run; None if they stand so already."""
        platform = self._control.platform()
        previous = {name: platform["switches"].get(name) for name in wanted}
        if previous == dict(wanted):
            return None
        detail = {
            "wanted": dict(wanted),
            "previous": previous,
            "world": platform["id"],
            "control": str(self._control.path),
        }
        return UndoRecord(record_id, "switches", self.name, "switches", detail=detail)

    def offered_per_second(self) -> float:
        """Stream starts a second that the viewers offer."""
        return float(self._control.platform()["starts_per_second"])

    def prepare_load(self, times: float, record_id: str) -> UndoRecord:
        """The record that sets the viewers to so many times what they offer now."""
        platform = self._control.platform()
        usual = float(platform["starts_per_second"])
        detail = {
            "per_second": usual * times,
            "usual_per_second": usual,
            "world": platform["id"],
            "control": str(self._control.path),
        }
        return UndoRecord(record_id, LOAD, self.name, "traffic", detail=detail)

    def planned_instances(self, size: str = "normal", seed: int = 1) -> Sequence[Instance]:
        """The instances a platform would have that is not up: for plans only."""
        return instances_of(planned_platform(size, seed), self._control.path)

    def _impair(self, record: UndoRecord) -> None:
        if proxies.api_of(record):
            proxies.impair(record, self._now_ms())
        else:
            mechanisms.impair(self._helper, record, self._now_ms())

    def _mend(
        self, record: UndoRecord, by_helper: Callable[[NetworkHelper, UndoRecord], None]
    ) -> None:
        if proxies.api_of(record):
            proxies.mend(record, is_up=_has_world)
        else:
            by_helper(self._helper, record)

    def _cut(self, record: UndoRecord) -> None:
        if proxies.api_of(record):
            proxies.cut(record, self._now_ms())
            return
        mechanisms.cut(self._helper, record, self._prefixes(record), self._now_ms())

    def _prefixes(self, record: UndoRecord) -> list[str]:
        """Given as such, or those of the peers as they are now."""
        if "prefixes" in record.detail:
            return list(record.detail["prefixes"])
        everybody = self.instances()
        peers = [each for each in everybody if matches(each, record.detail["peers"])]
        prefixes = mechanisms.prefixes_of(peers, everybody, record.instances, _zone_network)
        if not prefixes:
            raise TargetFailed(
                "no instance is on the other side of the cut",
                where=record.fault,
                fix="let 'from' name instances that are up and not selected themselves",
            )
        return prefixes

    def _terminate(self, record: UndoRecord) -> None:
        """The link first: a process that dies has its kernel tell its peers."""
        if proxies.api_of(record):
            raise proxies.no_links()
        mechanisms.unlink(self._helper, record)
        for instance in record.instances:
            signalling.send(instance, "SIGKILL")

    def _complete_termination(self, record: UndoRecord) -> None:
        """An instance without a link can only be replaced; one that has its link was not hit."""
        living = [each for each in record.instances if self.state(each) is not ProcessState.GONE]
        if living and not proxies.api_of(record):
            for instance in mechanisms.unlinked(self._helper, record):
                signalling.send(instance, "SIGKILL")

    def _suspend(self, record: UndoRecord) -> None:
        self._control.suspend(record.id, list(record.detail["groups"]))

    def _release(self, record: UndoRecord) -> None:
        control = _control_of(record)
        if control is not None:
            control.release(record.id)

    def _bring_back(self, record: UndoRecord) -> None:
        control = _control_of(record)
        if control is not None:
            control.end_evacuation(record.id)

    def _end_deployment(self, record: UndoRecord) -> None:
        control = _control_of(record)
        if control is not None:
            builds.take_back(control, record)

    def _switch(self, record: UndoRecord) -> None:
        self._control.set_switches(record.detail["wanted"])

    def _switch_back(self, record: UndoRecord) -> None:
        control = Control(Path(record.detail["control"]))
        if _is_world(control, record.detail["world"]):
            control.set_switches(record.detail["previous"])

    def _offer(self, record: UndoRecord) -> None:
        self._control.set_traffic(record.detail["per_second"])

    def _offer_usual(self, record: UndoRecord) -> None:
        """Unless somebody has set another rate since: that one is theirs."""
        control = Control(Path(record.detail["control"]))
        if not _is_world(control, record.detail["world"]):
            return
        if control.platform()["starts_per_second"] == record.detail["per_second"]:
            control.set_traffic(record.detail["usual_per_second"])


def _is_world(control: Control, world: str) -> bool:
    """Whether that world is still the one behind the socket."""
    try:
        return bool(control.platform()["id"] == world)
    except NotUp:
        return False


def _control_of(record: UndoRecord) -> Control | None:
    """Of the world that a record's instances were of; None if it is no more."""
    handle = record.instances[0].handle
    return Control(Path(str(handle["control"]))) if _has_world(handle) else None


def _has_world(handle: Mapping[str, Any]) -> bool:
    """Whether the world that an instance was of is still there."""
    return _is_world(Control(Path(str(handle["control"]))), str(handle["world"]))


def _zone_network(instance: Instance) -> str:
    """The network of the instance's zone: addresses are 10.<region>.<zone>.<n>."""
    return f"{instance.address.rpartition('.')[0]}.0/24"


def _known(
    table: Mapping[str, Callable[[UndoRecord], None]], record: UndoRecord
) -> Callable[[UndoRecord], None]:
    if record.mechanism not in table:
        raise TargetFailed(
            f"undo record {record.id!r} has the unknown mechanism {record.mechanism!r}",
            where="demo",
            fix="use the version of chaosctl that made it, or a newer one",
        )
    return table[record.mechanism]
