"""Cutting with nftables, by the network namespace we are in.

One table per undo record, named for it, so that taking it back touches nothing else:

    table inet chaosctl-<record> {
      set cut24 { type ipv4_addr; flags timeout; elements = { 10.1.1.0 timeout 20s } }
      chain input  { type filter hook input  priority -300; ip saddr & 255.255.255.0 @cut24 drop }
      chain output { type filter hook output priority -300; ip daddr & 255.255.255.0 @cut24 drop }
    }

The deadline is the element's time-out, and the kernel keeps it: when it has passed the set is
empty, the rule matches nothing, and no process of ours is needed for that. Only elements of sets
have a time-out, and a plain set has no prefixes; so the address is masked first, and then looked
up among the networks of that length.
"""

from __future__ import annotations

import errno
import ipaddress
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.nftables.expressions import genex, verdict
from pyroute2.nftables.main import NFTables, NFTSet

from chaosctl.drivers.network.names import tag_of

_FAMILY_INET = 1
_PRIORITY = -300  # before anybody else's filter, and before connection tracking
_ACCEPT, _DROP = 1, 0
_META_NFPROTO = 15
_IPV4 = b"\x02"
_SOURCE_OFFSET, _DESTINATION_OFFSET = 12, 16
_HOOKS = {
    "in": (("input", _SOURCE_OFFSET),),
    "out": (("output", _DESTINATION_OFFSET),),
    "both": (("input", _SOURCE_OFFSET), ("output", _DESTINATION_OFFSET)),
}


def cut(record: str, prefixes: Sequence[str], direction: str, for_ms: int) -> None:
    """Drop what comes from, or goes to, these networks for this long; replaces an earlier cut."""
    uncut(record)
    networks = [ipaddress.IPv4Network(prefix) for prefix in prefixes]
    table = tag_of(record)
    with opened() as nft:
        nft.table("add", name=table)
        for hook, _ in _HOOKS[direction]:
            nft.chain(
                "add",
                table=table,
                name=hook,
                type="filter",
                hook=hook,
                priority=_PRIORITY,
                policy=_ACCEPT,
            )
        for length in sorted({network.prefixlen for network in networks}):
            elements = [
                {"value": str(network.network_address), "timeout": for_ms}
                for network in networks
                if network.prefixlen == length
            ]
            name = f"cut{length}"
            add_set(nft, table, name, elements, for_ms)
            for hook, offset in _HOOKS[direction]:
                rule = _drop_if_in(name, length, offset)
                nft.rule("add", table=table, chain=hook, expressions=[rule])


def uncut(record: str) -> bool:
    """Delete the record's table; False if there was none."""
    with opened() as nft:
        try:
            nft.table("del", name=tag_of(record))
        except NetlinkError as error:
            if error.code == errno.ENOENT:
                return False
            raise
    return True


def tables() -> list[str]:
    """Names of all tables here, ours and others'."""
    with opened(family=0) as nft:
        return sorted(str(table.get_attr("NFTA_TABLE_NAME")) for table in nft.get_tables())


@contextmanager
def opened(family: int = _FAMILY_INET) -> Iterator[Any]:
    """A netlink socket for tables of a family: inet, or 0 for all."""
    nft = NFTables(nfgen_family=family)
    try:
        yield nft
    finally:
        nft.close()


def add_set(nft: Any, table: str, name: str, elements: list[dict[str, Any]], for_ms: int) -> None:
    """A set of addresses that the kernel empties after for_ms."""
    addresses = NFTSet(table=table, name=name, key_type="ipv4_addr", timeout=for_ms)
    # pyroute2 0.9 makes the set and then trips over the answer; if it did not make it, the next
    # call fails, because it needs the set.
    with suppress(TypeError):
        nft.sets("add", set=addresses)
    nft.set_elems("add", set=addresses, elements=elements)


def _drop_if_in(set_name: str, length: int, offset: int) -> list[dict[str, Any]]:
    """A rule's expressions; a length of 0 takes whatever it is, other protocols too."""
    mask = ipaddress.IPv4Network(f"0.0.0.0/{length}").netmask.packed
    is_ipv4 = [
        genex("meta", {"dreg": 1, "key": _META_NFPROTO}),
        genex("cmp", {"sreg": 1, "op": 0, "data": value(_IPV4)}),
    ]
    return [
        *(is_ipv4 if length else []),
        genex("payload", {"dreg": 1, "base": 1, "offset": offset, "len": 4}),
        genex(
            "bitwise",
            {"sreg": 1, "dreg": 1, "len": 4, "mask": value(mask), "xor": value(bytes(4))},
        ),
        genex("lookup", {"set": set_name, "sreg": 1}),
        *verdict(_DROP),
    ]


def value(raw: bytes) -> dict[str, Any]:
    """Bytes as an expression takes them."""
    return {"attrs": [("NFTA_DATA_VALUE", raw)]}
