"""What is answered in the place of a name server, and what is made of a name server's answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import dns.message
import dns.rcode
import dns.rrset
import pytest

from chaosctl.drivers.network.answerer import refusal
from chaosctl.drivers.network.resolving import ask_c_library, ask_server

HOME = "127.0.0.1"


@pytest.mark.parametrize(
    ("answer", "rcode"), [("servfail", dns.rcode.SERVFAIL), ("nxdomain", dns.rcode.NXDOMAIN)]
)
def test_a_refusal_is_an_answer_to_its_question(answer: str, rcode: int) -> None:
    asked = dns.message.make_query("edge.r.demo", "A")
    reply = dns.message.from_wire(refusal(asked.to_wire(), answer))
    assert reply.rcode() == rcode
    assert asked.is_response(reply)
    assert not reply.answer
    assert refusal(b"no question", answer) == b""


def answered(wire: bytes) -> bytes:
    reply = dns.message.make_response(dns.message.from_wire(wire))
    reply.answer.append(dns.rrset.from_text(reply.question[0].name, 2, "IN", "A", "10.9.9.9"))
    return reply.to_wire()


def empty(wire: bytes) -> bytes:
    return dns.message.make_response(dns.message.from_wire(wire)).to_wire()


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (answered, "address"),
        (empty, "none"),
        (lambda wire: refusal(wire, "servfail"), "none"),
        (lambda wire: refusal(wire, "nxdomain"), "no name"),
        (lambda wire: b"rubbish", "none"),
    ],
)
def test_a_name_server_is_asked_itself(reply: Callable[[bytes], bytes], said: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((HOME, 0))

        def answer() -> None:
            question, place = server.recvfrom(4096)
            server.sendto(reply(question), place)

        answering = threading.Thread(target=answer)
        answering.start()
        assert ask_server("edge.r.demo.", HOME, port=server.getsockname()[1]) == said
        answering.join(5)


def test_a_name_server_that_is_not_there_says_nothing() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((HOME, 0))
        port = free.getsockname()[1]
    assert ask_server("edge.r.demo.", HOME, port=port) == "none"


@pytest.mark.parametrize(
    ("error", "said"), [(socket.EAI_NONAME, "no name"), (socket.EAI_AGAIN, "none")]
)
def test_the_c_library_is_taken_at_its_word(
    monkeypatch: pytest.MonkeyPatch, error: int, said: str
) -> None:
    assert ask_c_library(HOME) == "address"

    def fail(*_: object) -> None:
        raise socket.gaierror(error, "no")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert ask_c_library("edge.r.demo.") == said
