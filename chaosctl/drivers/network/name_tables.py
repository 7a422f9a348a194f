"""Coming between an instance and its name servers with nftables, by the namespace we are in.

As a cut's, a record's table holds a set whose one element has the deadline as its time-out: each
rule looks it up, so when the kernel has emptied the set no rule matches any more.

    table inet chaosctl-<record> {
      set until { type ipv4_addr; flags timeout; elements = { 0.0.0.0 timeout 20s } }
      chain input { type filter hook input priority -300; udp dport 53 0.0.0.0 @until drop; … }
    }

Silence is made of what comes in: what a name server is asked, and what anybody else is answered.
Dropped on its way out, a question would fail at once, as no question that is lost does.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyroute2.nftables.expressions import genex, verdict

from chaosctl.drivers.network.names import tag_of
from chaosctl.drivers.network.nft import add_set, opened, uncut, value

DNS_PORT = 53
MARK = 0x64_6E_73
"""On packets that are let through, because they are ours."""

_SET = "until"
_ACCEPT, _DROP = 1, 0
_FILTER_PRIORITY, _NAT_PRIORITY = -300, -100
_META_MARK, _META_NFPROTO, _META_L4PROTO = 3, 15, 16
_EQUAL, _NOT_EQUAL = 0, 1
_NETWORK_HEADER, _TRANSPORT_HEADER = 1, 2
_SOURCE_PORT, _DESTINATION_PORT = 0, 2
_DESTINATION_OFFSET = 16
_IPV4 = b"\x02"
_PROTOCOLS = (socket.IPPROTO_UDP, socket.IPPROTO_TCP)

Expressions = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Way:
    """Where questions go instead: those to one server, or to any. port: of our own here."""

    server: str
    port: int


def silence(record: str, for_ms: int) -> None:
    """Let no question in, and no answer, for this long; replaces an earlier table."""
    table = tag_of(record)
    uncut(record)
    with opened() as nft:
        _add_table(nft, table, for_ms)
        _add_chain(nft, table, "input", "filter", _FILTER_PRIORITY)
        for protocol in _PROTOCOLS:
            for offset in (_DESTINATION_PORT, _SOURCE_PORT):
                rule = [*_is_dns(protocol, offset), *_is_until(), *verdict(_DROP)]
                nft.rule("add", table=table, chain="input", expressions=[rule])


def redirect(record: str, asks: Sequence[Way], is_asked: Way, for_ms: int) -> None:
    """Send what is asked from here the first of these ways that fits, and what is asked of us."""
    table = tag_of(record)
    uncut(record)
    with opened() as nft:
        _add_table(nft, table, for_ms)
        for hook in ("output", "prerouting"):
            _add_chain(nft, table, hook, "nat", _NAT_PRIORITY)
        for hook, ways in (("output", asks), ("prerouting", (is_asked,))):
            for way in ways:
                for protocol in _PROTOCOLS:
                    rule = [
                        *_is_not_ours(),
                        *(_is_to(way.server) if way.server else []),
                        *_is_dns(protocol, _DESTINATION_PORT),
                        *_is_until(),
                        *_redirected(way.port),
                    ]
                    nft.rule("add", table=table, chain=hook, expressions=[rule])


def _add_table(nft: Any, table: str, for_ms: int) -> None:
    nft.table("add", name=table)
    add_set(nft, table, _SET, [{"value": "0.0.0.0", "timeout": for_ms}], for_ms)


def _add_chain(nft: Any, table: str, hook: str, kind: str, priority: int) -> None:
    nft.chain(
        "add", table=table, name=hook, type=kind, hook=hook, priority=priority, policy=_ACCEPT
    )


def _is_not_ours() -> Expressions:
    mark = value(struct.pack("=I", MARK))
    return [
        genex("meta", {"dreg": 1, "key": _META_MARK}),
        genex("cmp", {"sreg": 1, "op": _NOT_EQUAL, "data": mark}),
    ]


def _is_to(server: str) -> Expressions:
    where = {"dreg": 1, "base": _NETWORK_HEADER, "offset": _DESTINATION_OFFSET, "len": 4}
    address = value(ipaddress.IPv4Address(server).packed)
    return [
        genex("meta", {"dreg": 1, "key": _META_NFPROTO}),
        genex("cmp", {"sreg": 1, "op": _EQUAL, "data": value(_IPV4)}),
        genex("payload", where),
        genex("cmp", {"sreg": 1, "op": _EQUAL, "data": address}),
    ]


def _is_dns(protocol: int, port_offset: int) -> Expressions:
    where = {"dreg": 1, "base": _TRANSPORT_HEADER, "offset": port_offset, "len": 2}
    return [
        genex("meta", {"dreg": 1, "key": _META_L4PROTO}),
        genex("cmp", {"sreg": 1, "op": _EQUAL, "data": value(bytes([protocol]))}),
        genex("payload", where),
        genex("cmp", {"sreg": 1, "op": _EQUAL, "data": value(struct.pack("!H", DNS_PORT))}),
    ]


def _is_until() -> Expressions:
    return [
        genex("immediate", {"dreg": 1, "data": value(bytes(4))}),
        genex("lookup", {"set": _SET, "sreg": 1}),
    ]


def _redirected(port: int) -> Expressions:
    flags = ("NF_NAT_RANGE_PROTO_SPECIFIED",)
    return [
        genex("immediate", {"dreg": 1, "data": value(struct.pack("!H", port))}),
        genex("redir", {"reg_proto_min": 1, "flags": flags}),
    ]
