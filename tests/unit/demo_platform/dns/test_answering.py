"""A name server's answers, as data."""

from __future__ import annotations

from collections.abc import Iterable

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest
import yaml

from demo_platform.balancer import Peer
from demo_platform.dns.answering import TCP_BYTES, answer
from demo_platform.dns.names import KnownRegion, Names
from demo_platform.eureka.listing import Registered
from tests.conftest import ROOT

EAST = "us-east-1"
ROWS = yaml.safe_load((ROOT / "tests/data/dns/questions.yaml").read_text())


def peers_of(service: str, *places: str) -> list[Peer]:
    return [
        Peer(Registered(f"i-{address}", service, EAST, EAST + zone, address, 8080, "UP"))
        for zone, address in (place.split("/") for place in places)
    ]


def names(**more: list[Peer]) -> Names:
    known = {
        "edge": peers_of("edge", "a/10.1.1.12", "b/10.1.2.12"),
        "search": peers_of("search", "a/10.1.1.13"),
        **more,
    }

    def peers(service: str) -> Iterable[Peer]:
        return known.get(service, ())

    discovery = {f"{EAST}a": "10.1.1.2", f"{EAST}b": "10.1.2.2"}
    return Names({EAST: KnownRegion(peers, discovery)})


def addresses_in(reply: dns.message.Message) -> set[str]:
    return {item.address for rrset in reply.answer for item in rrset}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['name']} {row['type']}")
def test_each_question_has_its_answer(row: dict[str, object]) -> None:
    asked = dns.message.make_query(row["name"], row["type"], row.get("class", "IN"))
    counted: list[str] = []
    reply = dns.message.from_wire(answer(asked.to_wire(), names(), counted.append))
    assert dns.rcode.to_text(reply.rcode()) == row["rcode"]
    assert addresses_in(reply) == set(row.get("addresses", ()))
    assert reply.id == asked.id
    assert reply.flags & dns.flags.QR
    assert counted == [str(row["rcode"]).lower()]
    assert all(rrset.ttl == 2 for rrset in reply.answer)


def test_rubbish_is_told_so_and_what_is_no_question_is_left_alone() -> None:
    counted: list[str] = []
    whole = dns.message.make_query("edge.us-east-1.demo", "A").to_wire()
    reply = dns.message.from_wire(answer(whole[:-3], names(), counted.append))
    assert (reply.rcode(), reply.id) == (dns.rcode.FORMERR, int.from_bytes(whole[:2], "big"))
    assert counted == ["formerr"]
    assert answer(whole[:11], names(), counted.append) == b""
    its_answer = dns.message.make_response(dns.message.from_wire(whole)).to_wire()
    assert answer(its_answer, names(), counted.append) == b""
    assert counted == ["formerr"]


def test_two_questions_and_other_operations_are_refused_by_their_codes() -> None:
    counted: list[str] = []
    two = dns.message.make_query("edge.us-east-1.demo", "A")
    two.question.append(dns.message.make_query("search.us-east-1.demo", "A").question[0])
    assert dns.message.from_wire(answer(two.to_wire(), names(), counted.append)).rcode() == 1
    status = dns.message.make_query("edge.us-east-1.demo", "A")
    status.set_opcode(dns.opcode.STATUS)
    assert dns.message.from_wire(answer(status.to_wire(), names(), counted.append)).rcode() == 4
    assert counted == ["formerr", "notimp"]


def test_what_does_not_fit_in_a_datagram_is_cut_and_comes_whole_over_tcp() -> None:
    many = peers_of("edge", *(f"a/10.1.1.{n}" for n in range(10, 70)))
    asked = dns.message.make_query("edge.us-east-1.demo", "A")

    def ask(limit_bytes: int = 0) -> dns.message.Message:
        wire = answer(asked.to_wire(), names(edge=many), print, limit_bytes=limit_bytes)
        return dns.message.from_wire(wire)

    cut = ask()
    assert cut.flags & dns.flags.TC
    assert len(addresses_in(cut)) < 60
    assert len(addresses_in(ask(TCP_BYTES))) == 60
    asked.use_edns(payload=4096)
    assert len(addresses_in(ask())) == 60
