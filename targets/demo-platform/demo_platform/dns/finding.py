"""How an instance that starts finds discovery: by name, before it does anything else.

It has nothing to do without discovery, and so it waits, and asks in its only thread: the event
loop's threads would cost each instance a megabyte and a half for three questions. Later it knows
where discovery is, and notices nothing of what becomes of names.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from dataclasses import replace

import dns.message

from demo_platform.dns.names import service_name
from demo_platform.topology import DNS, DNS_PORT, EUREKA, InstanceSpec

AGAIN_S = 0.1
KNOCK_S = 0.05
KNOCKS_MAX = 20
TOLD_BY_ADDRESS = frozenset({DNS, EUREKA})
"""Who is asked by name, or for names, has to be there before there are any."""

_log = logging.getLogger(__name__)


def with_discovery(
    spec: InstanceSpec,
    *,
    ask: Callable[[str], str] | None = None,
    knock: Callable[[InstanceSpec], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> InstanceSpec:
    """The same, with its discovery servers where their names say; asks until they are found."""
    if not spec.resolvers or spec.service in TOLD_BY_ADDRESS:
        return spec
    ask = ask or _address_of
    (knock or until_heard)(spec)
    has_told = False
    while True:
        try:
            found = tuple(
                (zone, ask(service_name(EUREKA, spec.region, zone)), port)
                for zone, _, port in spec.discovery
            )
        except OSError as error:
            if not has_told:
                _log.warning("cannot find discovery by name: %s; asking on", error)
            has_told = True
            sleep(AGAIN_S)
        else:
            return replace(spec, discovery=found)


def until_heard(spec: InstanceSpec, *, port: int = DNS_PORT) -> None:
    """Wait until a name server answers, in turns, for a second at most.

    What is sent before the bridge has noticed a new link is lost, and for an answer to that the C
    library would wait a whole second.
    """
    question = dns.message.make_query(service_name(EUREKA, spec.region), "A").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(KNOCK_S)
        for turn in range(KNOCKS_MAX):
            try:
                datagrams.sendto(question, (spec.resolvers[turn % len(spec.resolvers)], port))
                datagrams.recv(len(question))
            except OSError:  # nobody in time, or no way there yet
                continue
            return


def _address_of(name: str) -> str:
    """The first address of a name. Raises OSError when nobody says one."""
    found = socket.getaddrinfo(name, None, family=socket.AF_INET, type=socket.SOCK_STREAM)
    return str(found[0][4][0])
