"""Who finds discovery by name, and what happens while nobody says where it is."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace

import pytest

from demo_platform.dns.finding import KNOCK_S, until_heard, with_discovery
from demo_platform.topology import Addresses, InstanceSpec, Slot, Style, spec_of

EAST = "us-east-1"


def spec(service: str, style: Style = Style.NETNS) -> InstanceSpec:
    return spec_of(Slot(service, EAST, f"{EAST}b", 0), 0, Addresses(style), seed=1)


def test_each_zones_server_is_asked_for_by_its_name() -> None:
    asked: list[str] = []
    knocked: list[InstanceSpec] = []

    def ask(name: str) -> str:
        asked.append(name)
        return f"10.9.9.{len(asked)}"

    told = with_discovery(spec("recs"), ask=ask, knock=knocked.append)
    assert knocked == [spec("recs")]
    assert asked == [f"eureka.{EAST}{zone}.{EAST}.demo." for zone in "bac"]
    assert told.discovery == tuple(
        (f"{EAST}{zone}", f"10.9.9.{n}", 8080) for n, zone in enumerate("bac", 1)
    )


def test_it_is_asked_for_until_somebody_says_where() -> None:
    silence = [True, True, False, False, False]
    pauses: list[float] = []

    def ask(name: str) -> str:
        if silence.pop(0):
            raise socket.gaierror(socket.EAI_AGAIN, "again")
        return name

    assert (
        len(with_discovery(spec("recs"), ask=ask, knock=print, sleep=pauses.append).discovery) == 3
    )
    assert len(pauses) == 2


@pytest.mark.parametrize(
    ("service", "style"),
    [("dns", Style.NETNS), ("eureka", Style.NETNS), ("recs", Style.PROXY), ("recs", Style.PORTS)],
)
def test_who_is_told_by_address_asks_nobody(service: str, style: Style) -> None:
    def ask(name: str) -> str:
        raise AssertionError(name)

    assert with_discovery(spec(service, style), ask=ask) == spec(service, style)


def test_a_question_that_is_lost_is_asked_again_at_once_of_the_next_server() -> None:
    """Of two servers the first says nothing, as one behind a link that does not carry yet."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second,
    ):
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        second.bind(("127.0.0.2", port))

        def answer() -> None:
            question, place = second.recvfrom(512)
            second.sendto(question, place)

        answering = threading.Thread(target=answer)
        answering.start()
        began = time.monotonic()
        until_heard(replace(spec("recs"), resolvers=("127.0.0.1", "127.0.0.2")), port=port)
        took_s = time.monotonic() - began
        answering.join(5)
        assert KNOCK_S * 0.9 < took_s < KNOCK_S * 15
