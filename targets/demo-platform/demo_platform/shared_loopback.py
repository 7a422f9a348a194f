"""A world without namespaces: where its instances are, and whether their ports are free."""

from __future__ import annotations

import errno
import socket

from demo_platform.errors import DemoError
from demo_platform.process import IS_LINUX
from demo_platform.settings import Settings
from demo_platform.topology import Addresses, Style, slots_of, specs_of, viewer_slots_of


def style_without_namespaces(asked: str) -> Style:
    """Loopback, unless proxies are asked for; they need all of 127/8 to be local."""
    if IS_LINUX:
        return Style.PROXY if asked == "proxy" else Style.LOOPBACK
    if asked == "proxy":
        raise DemoError(
            "only on Linux is every address of 127/8 local",
            where="--fabric proxy",
            fix="use --fabric loopback: process faults work there",
        )
    return Style.PORTS


def check_ports(settings: Settings, style: Style) -> None:
    """Refuse early when somebody listens where an instance would, on the machine's loopback."""
    slots = slots_of(settings.size) + viewer_slots_of(settings.size)
    specs = specs_of(slots, Addresses(style, settings.port), seed=settings.seed)
    places = {
        place
        for spec in specs
        for port in spec.ports
        for place in ((spec.address, port), spec.bound(port))
    }
    for address, port in sorted(places):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                what = "port is in use" if error.errno == errno.EADDRINUSE else "cannot bind"
                raise DemoError(
                    f"{what}: {error.strerror}",
                    where=f"{address}:{port}",
                    fix="stop the program that has it (another platform?), or choose --port",
                ) from error
