"""The bundled demo platform as a target: signals, its operators' API, and its network."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chaosctl.context import epoch_ms
from chaosctl.control import Control, NotUp
from chaosctl.drivers.network import mechanisms
from chaosctl.drivers.network.helper import EntryDenied, NetworkHelper
from chaosctl.drivers.network.probing import probe
from chaosctl.procfs import is_alive, send_signal, state_of
from monkeys.errors import TargetFailed
from monkeys.load import LOAD
from monkeys.selection import matches
from monkeys.target import Capability, Instance, Lack, ProcessState, UndoRecord

_PLAN_TIMEOUT_S = 20.0
_NETLESS = frozenset({Capability.SIGNAL, Capability.SUSPEND, Capability.LOAD})


class DemoTarget:
    """The platform behind a control socket. Safe to share between threads."""

    name = "demo"

    def __init__(self, control: Path, *, now_ms: Callable[[], int] = epoch_ms) -> None:
        self._control = Control(control)
        self._now_ms = now_ms
        self._helper = NetworkHelper()
        self._inject: dict[str, Callable[[UndoRecord], None]] = {
            "nft": self._cut,
            "signal": _signal,
            "splice": lambda record: mechanisms.delay(self._helper, record, self._now_ms()),
            "suspension": self._suspend,
            "switches": self._switch,
            "traffic": self._offer,
        }
        self._undo: dict[str, Callable[[UndoRecord], None]] = {
            "nft": lambda record: mechanisms.uncut(self._helper, record),
            "signal": _unsignal,
            "splice": lambda record: mechanisms.undelay(self._helper, record),
            "suspension": self._release,
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
        everybody = _instances_of(self._control.platform(), self._control.path)
        return tuple(each for each in everybody if self.state(each) is not ProcessState.GONE)

    def expected(self) -> Mapping[str, int]:
        """How many instances of each service there should be: the dead ones are still listed."""
        return Counter(each["service"] for each in self._control.platform()["instances"])

    def lacks(self, capability: Capability) -> Lack | None:
        """Signals and suspension always work; cuts and delays need namespaces we may enter."""
        if capability is Capability.SIGNAL and not hasattr(os, "pidfd_open"):
            return Lack("this system cannot signal a process safely", "use Linux 5.3 or later")
        if capability in _NETLESS:
            return None
        platform = self._control.platform()
        if platform["fabric"] != "netns":
            return None if capability is Capability.PROBE else _no_namespaces(platform)
        try:
            mechanisms.try_entry(self._helper, _world_of(platform))
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
            addresses = [(each.address, int(each.handle["port"])) for each in instances]
            answers = probe(addresses, timeout_ms=timeout_ms)
            return {each.id: ms for each, ms in zip(instances, answers, strict=True)}
        world = {"pid": handle["world_pid"], "ticks": handle["world_started_ticks"]}
        return mechanisms.probe(
            self._helper, instances, world=world, origin=origin, timeout_ms=timeout_ms
        )

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
        command = [sys.executable, "-m", "demo_platform", "topology"]
        command += ["--size", size, "--seed", str(seed)]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=_PLAN_TIMEOUT_S,
                check=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        except subprocess.CalledProcessError as error:
            raise TargetFailed(
                f"the demo platform cannot say what it would be: {error.stderr.strip()}",
                where="demo",
                fix="`chaosctl doctor` finds a broken install",
            ) from error
        except subprocess.TimeoutExpired as error:
            raise TargetFailed(
                f"the demo platform did not say within {_PLAN_TIMEOUT_S:g} s what it would be",
                where="demo",
                fix="try again; is the machine overloaded?",
            ) from error
        return _instances_of(json.loads(done.stdout), self._control.path)

    def _cut(self, record: UndoRecord) -> None:
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

    def _suspend(self, record: UndoRecord) -> None:
        self._control.suspend(record.id, list(record.detail["groups"]))

    def _release(self, record: UndoRecord) -> None:
        handle = record.instances[0].handle
        control = Control(Path(str(handle["control"])))
        if _is_world(control, str(handle["world"])):
            control.release(record.id)

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


def _instances_of(platform: Mapping[str, Any], control: Path) -> tuple[Instance, ...]:
    """Those that are not dead; each with all that an undo needs to find it without the API."""
    world = _world_of(platform)
    shared = {
        "world": platform["id"],
        "world_pid": world["pid"],
        "world_started_ticks": world["ticks"],
        "control": str(control),
    }
    found = [
        Instance(
            id=each["id"],
            service=each["service"],
            group=each["group"],
            region=each["region"],
            zone=each["zone"],
            address=each["address"],
            labels=each["labels"],
            handle={
                **{key: each[key] for key in ("pid", "started_ticks", "link", "port")},
                **shared,
            },
        )
        for each in platform["instances"]
        if each["state"] != "dead"
    ]
    return tuple(sorted(found, key=lambda each: (each.zone, each.service, each.id)))


def _world_of(platform: Mapping[str, Any]) -> dict[str, int]:
    supervisor = platform["supervisor"]
    return {"pid": supervisor["pid"], "ticks": supervisor["started_ticks"]}


def _is_world(control: Control, world: str) -> bool:
    """Whether that world is still the one behind the socket."""
    try:
        return bool(control.platform()["id"] == world)
    except NotUp:
        return False


def _zone_network(instance: Instance) -> str:
    """The network of the instance's zone: addresses are 10.<region>.<zone>.<n>."""
    return f"{instance.address.rpartition('.')[0]}.0/24"


def _no_namespaces(platform: Mapping[str, Any]) -> Lack:
    reason = platform["fabric_reason"] or "it was started so"
    return Lack(
        f"the platform runs without network namespaces: {reason}",
        "`chaosctl doctor` says what the kernel wants; then `chaosctl demo down` and `demo up`",
    )


def _signal(record: UndoRecord) -> None:
    for instance in record.instances:
        if not _send(instance, record.detail["signal"]):
            raise TargetFailed(
                f"instance {instance.id!r} is gone",
                where=record.fault,
                fix="run it again: the platform replaces what dies",
            )


def _unsignal(record: UndoRecord) -> None:
    """Send the opposite signal where there is one; a later process of that number is spared."""
    if record.detail["undo_signal"]:
        for instance in record.instances:
            _send(instance, record.detail["undo_signal"])


def _send(instance: Instance, name: str) -> bool:
    pid, ticks = int(instance.handle["pid"]), int(instance.handle["started_ticks"])
    try:
        return send_signal(pid, ticks, signal.Signals[name])
    except PermissionError as error:
        if not is_alive(pid, ticks):
            return False
        raise TargetFailed(
            f"may not send {name} to {instance.id!r}: {error.strerror}",
            where="demo",
            fix="run as the user who started the platform, or as root",
        ) from error


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
