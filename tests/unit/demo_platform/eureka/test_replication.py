"""Servers that tell each other: simulated, their batches carried by hand."""

import random

import msgspec

from demo_platform.eureka.operations import Operations
from demo_platform.eureka.registry import Registry
from demo_platform.eureka.replication import (
    Answer,
    Answers,
    Batch,
    Event,
    Outbox,
    follow_up,
)
from demo_platform.eureka.shapes import Instance
from tests.unit.demo_platform.eureka.instances import at, instance


class Node:
    """A server without sockets."""

    def __init__(self) -> None:
        self.registry, self.outbox = Registry(), Outbox()
        self.operations = Operations(self.registry, self.outbox)

    def register(self, one: Instance, now_s: float) -> None:
        self.operations.register(one, at(now_s))

    def renew(self, name: str, now_s: float, dirty_ms: int = 1000) -> int:
        return self.operations.renew("API", name, at(now_s), dirty_ms=dirty_ms)

    def statuses(self) -> dict[str, str]:
        return {lease.instance.id: lease.instance.status for lease in self.registry.leases()}


def carry(source: Node, target: Node, now_s: float) -> list[int]:
    """Take what the source has to tell to the target, over the wire's format; its statuses."""
    events = source.outbox.take()
    answers = deliver(events, target, now_s)
    missing = []
    for event, answer in zip(events, answers, strict=True):
        todo = follow_up(event, answer)
        if todo.register_there:
            missing.append(source.operations.registration(*todo.register_there))
        if todo.learn_here:
            source.operations.register(todo.learn_here, at(now_s), is_replica=True)
    deliver(missing, target, now_s)
    return [answer.status for answer in answers]


def deliver(events: list[Event], target: Node, now_s: float) -> list[Answer]:
    body = msgspec.json.encode(Batch(events))
    batch = msgspec.json.decode(body, type=Batch, strict=False)
    answers = Answers([target.operations.do(event, at(now_s)) for event in batch.events])
    return msgspec.json.decode(msgspec.json.encode(answers), type=Answers).answers


def test_peers_hear_of_everything_and_pass_nothing_on() -> None:
    one, other = Node(), Node()
    one.register(instance("i-1"), 1)
    one.register(instance("i-2"), 1)
    one.renew("i-1", 2)
    one.operations.set_status("API", "i-1", "OUT_OF_SERVICE", at(2))
    one.operations.cancel("API", "i-2", at(2))
    carry(one, other, 3)
    assert other.statuses() == one.statuses() == {"i-1": "OUT_OF_SERVICE"}
    assert len(other.outbox) == 0
    one.operations.clear_status("API", "i-1", "UP", at(4))
    one.operations.describe("API", "i-1", {"k": "v"}, at(4))
    carry(one, other, 5)
    assert other.statuses() == {"i-1": "UP"}
    lease = other.registry.lease("API", "i-1")
    assert lease is not None
    assert lease.instance.metadata == {"k": "v"}


def test_a_peer_that_was_away_is_sent_the_registration() -> None:
    one, other = Node(), Node()
    one.register(instance("i-1"), 1)
    one.outbox.take()  # lost
    one.renew("i-1", 2)
    assert carry(one, other, 2) == [404]
    assert other.statuses() == {"i-1": "UP"}
    one.renew("i-1", 3)
    assert carry(one, other, 3) == [200]


def test_a_peer_with_an_older_state_is_sent_the_newer() -> None:
    one, other = Node(), Node()
    other.register(instance("i-1", status="STARTING", dirty_ms=1000), 1)
    one.register(instance("i-1", dirty_ms=2000), 1)
    one.outbox.take()
    one.renew("i-1", 2, dirty_ms=2000)
    assert carry(one, other, 2) == [404]
    assert other.statuses() == {"i-1": "UP"}


def test_a_peer_with_a_newer_state_sends_it_back() -> None:
    one, other = Node(), Node()
    one.register(instance("i-1", status="STARTING", dirty_ms=1000), 1)
    other.register(instance("i-1", dirty_ms=2000), 1)
    one.outbox.take()
    one.renew("i-1", 2)
    assert carry(one, other, 2) == [409]
    assert one.statuses() == {"i-1": "UP"}


def test_an_eviction_is_nobody_elses_business() -> None:
    one, other = Node(), Node()
    for node in (one, other):
        for n in range(10):
            node.register(instance(f"i-{n}"), 1)
        node.outbox.take()
    for _ in range(2):
        for n in range(1, 10):
            one.renew(f"i-{n}", 20)
    one.outbox.take()
    assert one.registry.evict(at(20), random.Random(1)) == (("API", "i-0"),)
    assert len(one.outbox) == 0
    assert len(other.registry) == 10


def test_renewals_of_one_are_one_and_none_follows_its_cancellation() -> None:
    box = Outbox()
    for n in range(3):
        box.put(Event(action="Heartbeat", app="A", id="i-1", dirty_ms=n))
        box.put(Event(action="Heartbeat", app="A", id="i-2", dirty_ms=n))
    assert not box.is_urgent
    box.put(Event(action="Cancel", app="A", id="i-2"))
    assert box.is_urgent
    assert [(e.action, e.id, e.dirty_ms) for e in box.take()] == [
        ("Cancel", "i-2", None),
        ("Heartbeat", "i-1", 2),
    ]
    assert len(box) == 0


def test_a_batch_and_the_box_are_bounded() -> None:
    box = Outbox(events_max=3)
    for n in range(5):
        box.put(Event(action="Cancel", app="A", id=f"i-{n}"))
        box.put(Event(action="Heartbeat", app="A", id=f"j-{n}"))
    assert [event.id for event in box.take(4)] == ["i-2", "i-3", "i-4", "j-0"]
    assert [event.id for event in box.take(4)] == ["j-1", "j-2", "j-3", "j-4"]


def test_nonsense_of_a_peer_is_refused_event_by_event() -> None:
    node = Node()
    events = [
        Event(action="Register", app="API", id="i-1", instance={"instanceId": "i-1"}),
        Event(action="Register", app="API", id="i-1", instance=[1]),
        Event(action="Dance", app="API", id="i-1"),
        Event(action="StatusUpdate", app="API", id="i-1", status="UP"),
        Event(action="Cancel", app="API", id="i-1"),
    ]
    answers = [answer.status for answer in deliver(events, node, 1)]
    assert answers == [400, 400, 400, 404, 404]
    heartbeat = Event(action="Heartbeat", app="API", id="i-1")
    assert follow_up(heartbeat, Answer(409, {"instanceId": "i-1"})).learn_here is None
    assert follow_up(heartbeat, Answer(409)).learn_here is None


def test_whoever_is_gone_when_a_peer_asks_for_it_is_cancelled_there() -> None:
    assert Node().operations.registration("API", "i-1").action == "Cancel"
