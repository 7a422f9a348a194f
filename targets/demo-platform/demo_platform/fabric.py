"""The network under the platform: how a forked process gets its place in it.

`NetnsFabric` is a bridge in the world's root network namespace and one veth pair an instance;
`LoopbackFabric` is the machine's own loopback device, where there is nothing to wire. The one with
a fault proxy before each instance is in `proxy_fabric.py`.
"""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from demo_platform.errors import DemoError
from demo_platform.namespaces import hardware_address
from demo_platform.topology import BRIDGE, PROBE_ADDRESS, InstanceSpec
from demo_platform.zygote import INSTANCE_LINK

if TYPE_CHECKING:
    from pyroute2 import AsyncIPRoute

_LOOPBACK_INDEX = 1
_PREFIX_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Wire:
    """An instance's link: its end in the world's root namespace, and a hold on its own one.

    proxies: the names of those that forward to it, where the fabric is made of proxies.
    """

    link: str
    namespace_fd: int
    proxies: tuple[str, ...] = ()


NO_WIRE = Wire("", -1)


class Fabric(Protocol):
    """Gives instances their place in the network, and takes it back."""

    name: str
    bridge: str
    probe_address: str

    @property
    def faults_api(self) -> str:
        """URL of the Toxiproxy that every connection passes; empty where none is in the way."""

    async def open(self) -> None:
        """Make what all instances share."""

    async def wire(self, spec: InstanceSpec, pid: int) -> Wire:
        """Give the process of that host pid, waiting in its new namespace, a link.

        Raises OSError when the process is gone or the kernel refuses.
        """

    async def unwire(self, wire: Wire) -> None:
        """Take a link away, and let go of the namespace."""

    async def close(self) -> None:
        """Let go of the kernel's interface; the kernel itself removes the rest."""


class LoopbackFabric:
    """Every instance on the machine's own loopback device: process faults only."""

    name = "loopback"
    bridge = ""
    probe_address = "127.0.0.1"
    faults_api = ""

    async def open(self) -> None:
        """Nothing is shared but the machine."""

    async def wire(self, spec: InstanceSpec, pid: int) -> Wire:
        """Nothing to wire."""
        return NO_WIRE

    async def unwire(self, wire: Wire) -> None:
        """Nothing to take away."""

    async def close(self) -> None:
        """Nothing is held."""


class NetnsFabric:
    """A bridge, and for each instance a network namespace of its own on one veth pair.

    The fd held on each namespace keeps it alive after its process is killed, so that its peers
    are refused at once, as by a host whose program died, and do not wait for a time-out.
    """

    name = "netns"
    bridge = BRIDGE
    probe_address = PROBE_ADDRESS
    faults_api = ""

    def __init__(self) -> None:
        self._rtnetlink: AsyncIPRoute | None = None
        self._netlink_error: type[Exception] = OSError
        self._bridge_index = 0
        self._links_made = 0

    async def open(self) -> None:
        """Make the bridge and give it the address from which probes are sent."""
        try:
            # Here and no earlier: pyroute2 must not be in a process that forks afterwards.
            from pyroute2 import AsyncIPRoute, NetlinkError  # noqa: PLC0415
        except ImportError as error:
            raise DemoError(
                f"pyroute2 is missing: {error}",
                where="fabric netns",
                fix="pip install 'pyroute2>=0.9.4', or use --fabric loopback",
            ) from error
        try:
            rtnetlink = await AsyncIPRoute().__aenter__()
            await rtnetlink.link(
                "add",
                ifname=BRIDGE,
                kind="bridge",
                state="up",
                address=hardware_address(PROBE_ADDRESS),
            )
            (self._bridge_index,) = await rtnetlink.link_lookup(ifname=BRIDGE)
            await rtnetlink.addr(
                "add",
                index=self._bridge_index,
                address=PROBE_ADDRESS,
                prefixlen=_PREFIX_LENGTH,
            )
            await rtnetlink.link("set", index=_LOOPBACK_INDEX, state="up")
        except (OSError, NetlinkError) as error:
            raise DemoError(
                f"the kernel refuses a bridge: {error}",
                where="fabric netns",
                fix="load its modules (`sudo modprobe bridge veth`), or use --fabric loopback",
            ) from error
        self._rtnetlink = rtnetlink
        self._netlink_error = NetlinkError

    async def wire(self, spec: InstanceSpec, pid: int) -> Wire:
        """Make a veth pair between the bridge and the namespace of that process."""
        if self._rtnetlink is None:
            raise ValueError("fabric is not open")
        namespace_fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._links_made += 1
        link = f"v{self._links_made}"
        try:
            await self._rtnetlink.link(
                "add",
                ifname=link,
                kind="veth",
                master=self._bridge_index,
                state="up",
                peer={
                    "ifname": INSTANCE_LINK,
                    "net_ns_fd": namespace_fd,
                    "address": hardware_address(spec.address),
                },
            )
        except self._netlink_error as error:
            os.close(namespace_fd)
            raise ConnectionError(f"cannot wire {spec.id} by {link}: {error}") from error
        return Wire(link, namespace_fd)

    async def unwire(self, wire: Wire) -> None:
        """Remove the pair now rather than when the namespace is collected, then let go of it."""
        if wire.namespace_fd < 0 or self._rtnetlink is None:
            return
        try:
            for index in await self._rtnetlink.link_lookup(ifname=wire.link):
                await self._rtnetlink.link("del", index=index)
        finally:
            os.close(wire.namespace_fd)

    async def close(self) -> None:
        """Close the netlink socket."""
        if self._rtnetlink is not None:
            await self._rtnetlink.__aexit__(None, None, None)
