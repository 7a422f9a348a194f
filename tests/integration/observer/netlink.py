"""Asks the kernel what is in a network namespace: links, addresses, queues, routes, nft rulesets.

Hand-written on purpose: the observer must not share a netlink library with what it observes, and
it runs in a fresh interpreter for each snapshot, so that its start must cost little. Only dumps;
nothing here can change anything. Layouts: linux/rtnetlink.h, linux/netfilter/nf_tables.h.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

DUMP = 0x1 | 0x300  # NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
ERROR, DONE = 2, 3
NETFILTER = 12
NFTABLES = 10 << 8
GET_TABLE, GET_CHAIN, GET_RULE, GET_SET, GET_ELEMENTS = 1, 4, 7, 10, 13
GET_LINK, GET_ADDRESS, GET_ROUTE, GET_QUEUE = 18, 22, 26, 38
NESTED_MASK = 0x3FFF
DEAD_ROUTES = {6: "blackhole", 7: "unreachable", 8: "prohibit"}
FAMILIES = {0: "unspec", 1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}

Attributes = dict[int, bytes]


def links() -> list[dict[str, object]]:
    """Links of the current namespace: index, name, kind, master (0: none) and whether it is up."""
    found: list[dict[str, object]] = []
    for body in _dump(socket.NETLINK_ROUTE, GET_LINK, bytes(16)):
        _family, _type, index, flags, _change = struct.unpack_from("=BxHiII", body)
        attributes = _attributes(body[16:])
        information = _attributes(attributes.get(18, b""))
        found.append(
            {
                "index": index,
                "name": _text(attributes.get(3, b"")),
                "kind": _text(information.get(1, b"")),
                "master": struct.unpack("=I", attributes.get(10, bytes(4)))[0],
                "up": bool(flags & 1),
            }
        )
    return found


def addresses() -> list[str]:
    """IPv4 addresses of the current namespace without loopback's."""
    found = []
    for body in _dump(socket.NETLINK_ROUTE, GET_ADDRESS, bytes([socket.AF_INET]) + bytes(7)):
        attributes = _attributes(body[8:])
        raw = attributes.get(2) or attributes.get(1, b"")
        if body[0] == socket.AF_INET and len(raw) == 4 and raw[0] != 127:
            found.append(socket.inet_ntoa(raw))
    return found


def queues() -> list[str]:
    """Queueing disciplines that somebody chose, as `<link index> <kind>`."""
    found = []
    for body in _dump(socket.NETLINK_ROUTE, GET_QUEUE, bytes(20)):
        (index,) = struct.unpack_from("=i", body, 4)
        kind = _text(_attributes(body[20:]).get(1, b""))
        if kind != "noqueue":
            found.append(f"{index} {kind}")
    return found


def dead_routes() -> list[str]:
    """Routes that lead nowhere on purpose."""
    found = []
    for body in _dump(socket.NETLINK_ROUTE, GET_ROUTE, bytes([socket.AF_INET]) + bytes(11)):
        kind = DEAD_ROUTES.get(body[7])
        if kind:
            raw = _attributes(body[12:]).get(1, bytes(4))
            found.append(f"{kind} {socket.inet_ntoa(raw)}/{body[1]}")
    return found


def rulesets() -> list[str]:
    """Every nft table, chain, rule, set and number of set elements, a line each, all families."""
    found: list[str] = []
    for body in _nft(GET_TABLE):
        found.append(f"table {_family(body)} {_text(_attributes(body[4:]).get(1, b''))}")
    for body in _nft(GET_CHAIN):
        named = _attributes(body[4:])
        found.append(f"chain {_text(named.get(1, b''))}/{_text(named.get(3, b''))}")
    for body in _nft(GET_RULE):
        named = _attributes(body[4:])
        handle = int.from_bytes(named.get(3, b""), "big")
        found.append(f"rule {_text(named.get(1, b''))}/{_text(named.get(2, b''))} {handle}")
    for body in _nft(GET_SET):
        named = _attributes(body[4:])
        where = _attribute(1, named[1]) + _attribute(2, named[2])
        count = sum(_count_elements(elements) for elements in _nft(GET_ELEMENTS, body[0], where))
        found.append(f"set {_text(named[1])}/{_text(named[2])} with {count} elements")
    return sorted(found)


def _count_elements(body: bytes) -> int:
    return sum(1 for _ in _walk(_attributes(body[4:]).get(3, b"")))


def _family(body: bytes) -> str:
    return FAMILIES.get(body[0], str(body[0]))


def _nft(command: int, family: int = 0, attributes: bytes = b"") -> list[bytes]:
    return _dump(NETFILTER, NFTABLES | command, struct.pack(">BBH", family, 0, 0) + attributes)


def _dump(protocol: int, kind: int, payload: bytes) -> list[bytes]:
    """Bodies of the answer to one dump; empty where this kernel has no such thing."""
    found: list[bytes] = []
    try:
        channel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    except OSError:  # no nftables in this kernel, so no rules either
        return found
    with channel:
        channel.settimeout(5)
        channel.bind((0, 0))
        channel.send(struct.pack("=IHHII", 16 + len(payload), kind, DUMP, 1, 0) + payload)
        while True:
            data = channel.recv(1 << 18)
            while len(data) >= 16:
                length, answer, _flags, _sequence, _port = struct.unpack_from("=IHHII", data)
                if answer in (ERROR, DONE):
                    return found
                found.append(data[16:length])
                data = data[(length + 3) & ~3 :]


def _walk(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            return
        yield kind & NESTED_MASK, data[4:length]
        data = data[(length + 3) & ~3 :]


def _attributes(data: bytes) -> Attributes:
    return dict(_walk(data))


def _attribute(kind: int, value: bytes) -> bytes:
    padding = -len(value) % 4
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(padding)


def _text(raw: bytes) -> str:
    return raw.rstrip(b"\0").decode(errors="replace")
