"""Taking links out of a bridge and putting them back, by the network namespace we are in.

The link's alias says that a record has taken it and where it belongs; so it can be put back by
anybody who knows the record, whatever became of the process that took it.
"""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyroute2.iproute.linux import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from chaosctl.drivers.network import names

_NOARP = 0x80
_UP = 0x1


class LinkTaken(Exception):
    """A link that is not there, not in a bridge, or already taken by another record."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A link out of its bridge, and our end of the pair that stands in for it."""

    link: str
    stand_in: str


@contextmanager
def opened() -> Iterator[Any]:
    """A netlink socket of the network namespace we are in."""
    with IPRoute() as netlink:
        yield netlink


def take_out(netlink: Any, record: str, index: int, link: str) -> Taken:
    """Take a link out of its bridge and make the pair that will stand in for it, not yet there.

    Raises LinkTaken if it cannot be had.
    """
    message = _by_name(netlink, link)
    alias = message.get_attr("IFLA_IFALIAS") or ""
    master = message.get_attr("IFLA_MASTER")
    if alias.startswith(names.PREFIX):
        raise LinkTaken(f"link {link!r} is already delayed by {alias.split()[0]!r}")
    if master is None:
        raise LinkTaken(f"link {link!r} is in no bridge")
    bridge = str(netlink.get_links(master)[0].get_attr("IFLA_IFNAME"))
    bridge_end, our_end = names.pair_names(record, index)
    mtu = message.get_attr("IFLA_MTU")
    netlink.link(
        "add",
        ifname=bridge_end,
        kind="veth",
        mtu=mtu,
        address=_high_address(),
        peer={"ifname": our_end, "mtu": mtu},
    )
    netlink.link("set", index=message["index"], ifalias=names.alias_of(record, bridge))
    for name in (bridge_end, our_end):
        _set(netlink, name, ifalias=names.tag_of(record))
    # Out of the bridge, this kernel's own network would answer for the whole world on this link.
    for name in (link, our_end):
        _set(netlink, name, flags=_NOARP, change=_NOARP)
    for name in (bridge_end, our_end):
        _set(netlink, name, flags=_UP, change=_UP)
    netlink.link("set", index=message["index"], master=0)
    return Taken(link, our_end)


def stand_in(netlink: Any, record: str, index: int, link: str) -> None:
    """Put the bridge's end of the pair where the link was."""
    bridge = names.bridge_in(_by_name(netlink, link).get_attr("IFLA_IFALIAS") or "", record)
    bridge_end, _ = names.pair_names(record, index)
    _set(netlink, bridge_end, master=_by_name(netlink, str(bridge))["index"])


def put_back(netlink: Any, record: str) -> list[str]:
    """Put every link of this record back where it was and delete its pairs; their names.

    Links first: each pair takes the kernel some time, in which the instances are well again.
    """
    back: list[str] = []
    pairs: list[int] = []
    for message in netlink.get_links():
        alias = message.get_attr("IFLA_IFALIAS") or ""
        if alias == names.tag_of(record):
            pairs.append(message["index"])
        elif bridge := names.bridge_in(alias, record):
            _put_in(netlink, message["index"], _by_name(netlink, bridge)["index"])
            back.append(str(message.get_attr("IFLA_IFNAME")))
    for index in pairs:
        _ignoring_gone(netlink, "del", index=index)
    return back


def delete(netlink: Any, name: str) -> bool:
    """Delete a link, and with it the end that is in the instance; False if there is none."""
    found = list(netlink.link_lookup(ifname=name))
    for index in found:
        _ignoring_gone(netlink, "del", index=index)
    return bool(found)


def exists(netlink: Any, name: str) -> bool:
    """Whether there is such a link."""
    return bool(list(netlink.link_lookup(ifname=name)))


def marked(netlink: Any) -> dict[str, str]:
    """Name and alias of every link that some record has marked."""
    return {
        str(message.get_attr("IFLA_IFNAME")): alias
        for message in netlink.get_links()
        if (alias := message.get_attr("IFLA_IFALIAS") or "").startswith(names.PREFIX)
    }


def _by_name(netlink: Any, name: str) -> Any:
    for index in netlink.link_lookup(ifname=name):
        return netlink.get_links(index)[0]
    raise LinkTaken(f"there is no link {name!r}")


def _set(netlink: Any, name: str, **what: Any) -> None:
    netlink.link("set", index=_by_name(netlink, name)["index"], **what)


def _put_in(netlink: Any, link: int, bridge: int) -> None:
    _ignoring_gone(netlink, "set", index=link, flags=0, change=_NOARP)
    _ignoring_gone(netlink, "set", index=link, master=bridge)
    # Last, for the alias is how an undo that was cut short is found again.
    _ignoring_gone(netlink, "set", index=link, ifalias="")


def _ignoring_gone(netlink: Any, command: str, **what: Any) -> None:
    """The instance may die, and its link with it, between two of our calls."""
    try:
        netlink.link(command, **what)
    except NetlinkError as error:
        if error.code != errno.ENODEV:
            raise


def _high_address() -> str:
    """A hardware address above all others: a bridge takes on the lowest of its ports'."""
    octets = [0xFE, 0xFF, *secrets.token_bytes(4)]
    return ":".join(f"{octet:02x}" for octet in octets)
