"""Names broken by rules and an answerer, seen by somebody who shares no code with the product."""

from __future__ import annotations

import os
import signal
import time

import pytest

from chaosctl.drivers.network import dns_answers
from chaosctl.drivers.network.helper import NetworkHelper
from chaosctl.procfs import arguments_of_all
from monkeys.errors import TargetFailed
from tests.integration.drivers.conftest import start_in
from tests.integration.drivers.test_cut import now_ms, without_generation

pytestmark = pytest.mark.integration

SERVER = """
import sys, socket, threading, dns.message, dns.rrset
def answer(wire):
    reply = dns.message.make_response(dns.message.from_wire(wire))
    reply.answer.append(dns.rrset.from_text(reply.question[0].name, 2, "IN", "A", "10.9.9.9"))
    return reply.to_wire()
address = sys.argv[1]
datagrams = socket.socket(2, 2); datagrams.bind((address, 53))
listener = socket.create_server((address, 53))
def talk():
    while True:
        connection, _ = listener.accept()
        data = connection.recv(4096)
        if data:
            reply = answer(data[2:])
            connection.sendall(len(reply).to_bytes(2, "big") + reply)
        connection.close()
threading.Thread(target=talk, daemon=True).start()
print("up", flush=True)
while True:
    data, place = datagrams.recvfrom(4096)
    datagrams.sendto(answer(data), place)
"""
ASK = """
import json, time, dns.exception, dns.message, dns.query, dns.rcode
question = dns.message.make_query("edge.r.demo", "A")
began = time.monotonic()
try:
    reply = dns.query.{how}(question, {server!r}, timeout=1.0)
    said = reply.answer[0][0].address if reply.answer else dns.rcode.to_text(reply.rcode())
except (dns.exception.Timeout, OSError) as error:
    said = "silence" if isinstance(error, (dns.exception.Timeout, TimeoutError)) else "refused"
except EOFError:
    said = "refused"
print(json.dumps([said, time.monotonic() - began]))
"""
GOOD = "10.9.9.9"
ANSWERS = [("none", "silence"), ("servfail", "SERVFAIL"), ("nxdomain", "NXDOMAIN")]
HOWS = pytest.mark.parametrize("how", ["udp", "tcp"])


@pytest.fixture
def server(world):
    """Instance 1 answers questions about names."""
    address = world.instances[1]["address"]
    with start_in(world.instances[1]["pid"], SERVER, address) as process:
        assert process.stdout.readline() == "up\n"
        yield address
        process.kill()


@pytest.fixture
def ask(observer, server):
    def ask_from(number: int, how: str = "udp") -> tuple[str, float]:
        said, took_s = observer.see(ASK.format(how=how, server=server), at=number)
        return said, took_s

    return ask_from


def detail(answer: str, delay_ms: float = 0.0) -> dict[str, object]:
    return {"answer": answer, "delay_ms": delay_ms}


@HOWS
@pytest.mark.parametrize(("answer", "seen"), ANSWERS)
def test_what_an_instance_asks_is_answered_so_and_then_well_again(
    observer, helper, record, ask, answer, seen, how
):
    broken = record("dns", detail(answer), 0)
    assert ask(0, how)[0] == GOOD
    dns_answers.break_names(helper, broken, now_ms())
    dns_answers.break_names(helper, broken, now_ms())  # twice is once
    assert ask(0, how)[0] == seen
    assert ask(2, how)[0] == GOOD  # only who was selected
    assert observer.reaches(observer.world.instances[1]["address"], at=0)
    dns_answers.mend_names(helper, broken)
    dns_answers.mend_names(helper, broken)
    assert ask(0, how)[0] == GOOD
    assert observer.tables(0) == []
    assert answerers_of(broken.id) == []


@HOWS
@pytest.mark.parametrize(("answer", "seen"), ANSWERS)
def test_what_a_name_server_is_asked_is_answered_so(helper, record, ask, answer, seen, how):
    broken = record("dns", detail(answer), 1)
    dns_answers.break_names(helper, broken, now_ms())
    assert ask(0, how)[0] == ask(2, how)[0] == seen
    dns_answers.mend_names(helper, broken)
    assert ask(0, how)[0] == GOOD


@HOWS
def test_a_late_answer_is_the_servers_own(helper, record, ask, how):
    broken = record("dns", detail("late", 400.0), 1)
    dns_answers.break_names(helper, broken, now_ms())
    said, took_s = ask(0, how)
    assert said == GOOD
    assert 0.4 <= took_s < 0.9
    dns_answers.mend_names(helper, broken)
    assert ask(0, how)[1] < 0.3


def answerers_of(record_id: str) -> list[int]:
    return [
        pid
        for pid, arguments in arguments_of_all()
        if "chaosctl.drivers.network.answerer" in arguments and record_id in arguments
    ]


@pytest.mark.parametrize(("answer", "seen"), [("none", "silence"), ("servfail", "refused")])
def test_the_kernel_ends_it_with_every_process_of_ours_dead(observer, record, ask, answer, seen):
    helper = NetworkHelper()
    broken = record("dns", detail(answer), 0, for_ms=4000, id_=f"r-{answer}")
    begun = time.monotonic()
    dns_answers.break_names(helper, broken, now_ms())
    for pid in (helper.pid, *answerers_of(broken.id)):
        os.kill(pid, signal.SIGKILL)
    helper.close()
    assert ask(0, "tcp")[0] == seen
    while ask(0, "tcp")[0] != GOOD:
        assert time.monotonic() - begun < 8
    assert time.monotonic() - begun > 3
    assert answerers_of(broken.id) == []
    fresh = NetworkHelper()
    dns_answers.mend_names(fresh, broken)
    fresh.close()
    assert observer.tables(0) == []


def test_an_answerer_lets_go_at_its_deadline(observer, helper, record, ask):
    broken = record("dns", detail("nxdomain"), 0, for_ms=2500)
    dns_answers.break_names(helper, broken, now_ms())
    assert ask(0)[0] == "NXDOMAIN"
    until = time.monotonic() + 6
    while answerers_of(broken.id):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert observer.tables(0) == []
    assert ask(0)[0] == GOOD


def test_somebody_elses_rules_stay_and_another_records_hold(observer, helper, record, ask):
    other = record("dns", detail("none"), 0, id_="r2")
    dns_answers.break_names(helper, other, now_ms())
    before = observer.tables(0)
    assert before
    broken = record("dns", detail("servfail"), 0)
    dns_answers.break_names(helper, broken, now_ms())
    dns_answers.mend_names(helper, broken)
    assert without_generation(observer.tables(0)) == without_generation(before)
    assert ask(0)[0] == "silence"
    dns_answers.mend_names(helper, other)
    assert observer.tables(0) == []


def test_it_is_refused_after_its_deadline_and_for_the_dead(world, helper, record):
    with pytest.raises(TargetFailed, match="deadline has passed"):
        dns_answers.break_names(helper, record("dns", detail("none"), 0, for_ms=-1), now_ms())
    pid = world.instances[0]["pid"]
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    for answer in ("none", "servfail"):
        broken = record("dns", detail(answer), 0, id_=f"r-{answer}")
        with pytest.raises(TargetFailed, match="is gone"):
            dns_answers.break_names(helper, broken, now_ms())
        dns_answers.mend_names(helper, broken)
