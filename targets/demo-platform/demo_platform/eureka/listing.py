"""What a client reads of a server's answer, and the copy of the registry that it keeps. No I/O.

A client fetches the whole registry once and changes from then on. That it missed none is seen by
the hashcode; but the hashcode counts statuses only, so one instance in place of another would go
unseen. Therefore it fetches the whole again, too, when the changes may not reach back to its last
fetch: after a silence, from another server, or from one that has begun anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import msgspec

from demo_platform.eureka.changes import hashcode
from demo_platform.eureka.shapes import Action

BASE_PATH = "/eureka/v2"
JSON_HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}


class Registered(msgspec.Struct, frozen=True):
    """An instance as callers need to know it."""

    id: str
    service: str
    region: str
    zone: str
    address: str
    port: int
    status: str


class Heard(msgspec.Struct, frozen=True):
    """An instance in a server's answer, and what happened to it."""

    app: str
    action: str
    instance: Registered


class Listing(msgspec.Struct, frozen=True):
    """An answer to a fetch, of everything or of changes."""

    version: str
    hashcode: str
    heard: tuple[Heard, ...]


# Only what is needed is read, by a decoder made before any process is forked: all of it, read by
# each process with a decoder of its own, cost a megabyte a process.


class _Place(msgspec.Struct, frozen=True):
    zone: str = msgspec.field(name="availability-zone", default="")


class _DataCenter(msgspec.Struct, frozen=True):
    metadata: _Place = _Place()


class _Words(msgspec.Struct, frozen=True):
    region: str = ""
    zone: str = ""


class _Port(msgspec.Struct, frozen=True):
    number: int = msgspec.field(name="$", default=0)


class _Instance(msgspec.Struct, frozen=True):
    id: str = msgspec.field(name="instanceId")
    app: str
    address: str = msgspec.field(name="ipAddr", default="")
    status: str = ""
    vip: str = msgspec.field(name="vipAddress", default="")
    port: _Port = _Port()
    data_center: _DataCenter = msgspec.field(name="dataCenterInfo", default=_DataCenter())
    metadata: _Words = _Words()
    action: str = msgspec.field(name="actionType", default="")

    def heard(self) -> Heard:
        """The same for callers; whoever runs in no zone of Amazon's may name one as metadata."""
        instance = Registered(
            id=self.id,
            service=sys.intern(self.vip or self.app.lower()),
            region=sys.intern(self.metadata.region),
            zone=sys.intern(self.data_center.metadata.zone or self.metadata.zone),
            address=self.address,
            port=self.port.number,
            status=sys.intern(self.status),
        )
        return Heard(sys.intern(self.app), sys.intern(self.action), instance)


class _Application(msgspec.Struct, frozen=True):
    instance: tuple[_Instance, ...] = ()


class _Applications(msgspec.Struct, frozen=True):
    version: str = msgspec.field(name="versions__delta", default="")
    hashcode: str = msgspec.field(name="apps__hashcode", default="")
    application: tuple[_Application, ...] = ()


class _Document(msgspec.Struct, frozen=True):
    applications: _Applications


_DECODER = msgspec.json.Decoder(_Document, strict=False)


def parse_listing(body: bytes) -> Listing:
    """An answer's JSON. Raises msgspec.MsgspecError when it is of another shape."""
    said = _DECODER.decode(body).applications
    heard = (one.heard() for application in said.application for one in application.instance)
    return Listing(said.version, said.hashcode, tuple(heard))


class RegistryCopy:
    """A client's copy of the registry of one server.

    reaches_s: how far back a server's changes surely reach.
    """

    def __init__(self, reaches_s: float) -> None:
        self._reaches_s = reaches_s
        self._known: dict[tuple[str, str], Registered] = {}
        self._server: tuple[str, int] | None = None
        self._fetched_s = float("-inf")
        self._version = -1

    def needs_everything(self, server: tuple[str, int], now_s: float) -> bool:
        """Whether changes alone could leave a gap."""
        return server != self._server or now_s - self._fetched_s > self._reaches_s

    def replace(self, server: tuple[str, int], everything: Listing, now_s: float) -> None:
        """Take the whole registry of a server."""
        self._known = {(one.app, one.instance.id): one.instance for one in everything.heard}
        if server != self._server:
            self._version = -1
        self._server, self._fetched_s = server, now_s

    def apply(self, changes: Listing, now_s: float) -> bool:
        """Take changes of the same server; False when the copy then differs from its registry."""
        version = int(changes.version) if changes.version.isdigit() else 0
        has_begun_anew, self._version = version < self._version, version
        for one in changes.heard:
            if one.action == Action.DELETED:
                self._known.pop((one.app, one.instance.id), None)
            else:
                self._known[one.app, one.instance.id] = one.instance
        self._fetched_s = now_s
        return not has_begun_anew and changes.hashcode == self.hashcode()

    def unchanged(self, now_s: float) -> None:
        """The server said the same as the last time."""
        self._fetched_s = now_s

    def hashcode(self) -> str:
        """How many instances of each status the copy has."""
        return hashcode(one.status for one in self._known.values())

    def instances(self) -> Iterable[Registered]:
        """Everybody, for callers."""
        return list(self._known.values())
