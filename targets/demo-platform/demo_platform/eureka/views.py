"""What a server shows: the registry, its changes, one application, one instance, a text for people.

Answers about many instances may be old by a stated time, as the original's are: they are encoded
once for all who ask meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from demo_platform.eureka.changes import hashcode
from demo_platform.eureka.markup import to_xml
from demo_platform.eureka.registry import Moment, Registry
from demo_platform.eureka.shapes import (
    Lease,
    Wire,
    application_as_wire,
    applications_as_wire,
    instance_as_wire,
)

FULL_VERSION = "1"
VIP_VERSION = "-1"
KEPT_MAX = 256

Root = tuple[str, Wire]
"""A document's root element and what is in it."""


class Views:
    """Documents made of a registry, each None where nobody is found."""

    def __init__(self, registry: Registry, own_id: str) -> None:
        self._registry = registry
        self._own_id = own_id

    def everything(self) -> Root:
        """The whole registry."""
        return self._applications(self._registry.leases(), FULL_VERSION, self._registry.hashcode())

    def changes(self, now: Moment) -> Root:
        """What changed lately, and the hashcode of the whole."""
        changed = (change.lease for change in self._registry.changes.kept(now.s))
        version = str(self._registry.changes.version)
        return self._applications(changed, version, self._registry.hashcode())

    def application(self, app: str) -> Root | None:
        """One application."""
        found = self._wires(lease for lease in self._registry.leases() if _is_of(lease, app))
        return ("application", application_as_wire(app.upper(), found)) if found else None

    def instance(self, instance_id: str, app: str | None = None) -> Root | None:
        """One instance, of an application or of whichever has it."""
        for lease in self._registry.leases():
            if lease.instance.id == instance_id and (app is None or _is_of(lease, app)):
                return "instance", instance_as_wire(lease, own_id=self._own_id)
        return None

    def by_name(self, name: str, *, is_secure: bool) -> Root:
        """The instances behind a virtual host name; an instance may have several, by comma."""
        found = [lease for lease in self._registry.leases() if name in _names(lease, is_secure)]
        own_hashcode = hashcode(lease.instance.status for lease in found)
        return self._applications(found, VIP_VERSION, own_hashcode)

    def summary(self, now: Moment, *, is_self_preserving: bool) -> str:
        """A few lines for people."""
        renewals, needed = self._registry.renewals(now), self._registry.threshold()
        lines = [
            f"eureka {self._own_id}",
            f"instances {len(self._registry)} {self._registry.hashcode()}",
            f"renewals {renewals}, more than {needed} needed for leases to end",
        ]
        if is_self_preserving:
            lines.append("WARNING: too few renewals: nobody is evicted, some may not be there")
        return "\n".join(lines) + "\n"

    def _applications(self, leases: Iterable[Lease], version: str, hashcode: str) -> Root:
        return "applications", applications_as_wire(
            self._wires(leases), version=version, hashcode=hashcode
        )

    def _wires(self, leases: Iterable[Lease]) -> list[Wire]:
        return [instance_as_wire(lease, own_id=self._own_id) for lease in leases]


class Encoded:
    """Encoded documents, each kept for `kept_s` seconds from when it was made."""

    def __init__(self, kept_s: float) -> None:
        self._kept_s = kept_s
        self._kept: dict[tuple[str, ...], tuple[float, bytes]] = {}

    def get(
        self, key: tuple[str, ...], now_s: float, make: Callable[[], Root | None], *, as_json: bool
    ) -> bytes | None:
        """The document of that name, made now unless a young enough one is there."""
        made_s, body = self._kept.get(key, (float("-inf"), b""))
        if now_s < made_s + self._kept_s:
            return body
        root = make()
        if root is None:
            self._kept.pop(key, None)
            return None
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        body = encode(root, as_json=as_json)
        self._kept[key] = (now_s, body)
        return body


def encode(root: Root, *, as_json: bool) -> bytes:
    """A document as the original sends it."""
    name, value = root
    return msgspec.json.encode({name: value}) if as_json else to_xml(name, value)


def _is_of(lease: Lease, app: str) -> bool:
    return lease.instance.app == app.upper()


def _names(lease: Lease, is_secure: bool) -> list[str]:
    names = lease.instance.secure_vip if is_secure else lease.instance.vip
    return (names or "").split(",")
