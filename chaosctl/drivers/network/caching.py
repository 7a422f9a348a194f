"""What anybody who reaches a cache node may tell it, in memcached's text protocol."""

from __future__ import annotations

import socket
from collections.abc import Sequence

_REPLY_BYTES_MAX = 64 * 1024


class NoCache(Exception):
    """What listens there, if anything does, is no cache node."""


def flush(addresses: Sequence[tuple[str, int]], timeout_s: float) -> None:
    """Have each node forget all its entries. Raises NoCache, at the first that does not."""
    for address in addresses:
        reply = _ask(address, b"flush_all\r\n", b"\r\n", timeout_s)
        if reply != b"OK\r\n":
            raise NoCache(f"{address[0]}:{address[1]} answered {reply[:60]!r} to flush_all")


def flush_counts(addresses: Sequence[tuple[str, int]], timeout_s: float) -> list[int]:
    """How often each node has been flushed since it came up. Raises NoCache."""
    counts = []
    for address in addresses:
        reply = _ask(address, b"stats\r\n", b"END\r\n", timeout_s)
        found = dict(line.split(b" ")[1:3] for line in reply.split(b"\r\n") if line[:5] == b"STAT ")
        if b"cmd_flush" not in found:
            raise NoCache(f"{address[0]}:{address[1]} has no statistics of a cache")
        counts.append(int(found[b"cmd_flush"]))
    return counts


def _ask(address: tuple[str, int], command: bytes, end: bytes, timeout_s: float) -> bytes:
    try:
        with socket.create_connection(address, timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(command)
            reply = b""
            while not reply.endswith(end) and len(reply) < _REPLY_BYTES_MAX:
                piece = connection.recv(4096)
                if not piece:
                    break
                reply += piece
            return reply
    except OSError as error:
        raise NoCache(f"{address[0]}:{address[1]} does not answer: {error}") from error
