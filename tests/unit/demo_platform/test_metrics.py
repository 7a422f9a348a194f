"""The lines that are sent each step."""

from __future__ import annotations

from demo_platform.metrics import LINES_MAX, Meters

EDGE = {"nf.app": "edge"}


def test_a_counter_has_a_line_from_the_first_step_on() -> None:
    meters = Meters(EDGE)
    meters.counter("edge.requests", status="5xx")
    assert meters.take() == ["c:edge.requests,nf.app=edge,status=5xx:0"]


def test_counts_each_event_once() -> None:
    meters = Meters(EDGE)
    meters.counter("calls", target="api").add()
    meters.counter("calls", target="api").add(2)
    assert meters.take() == ["c:calls,nf.app=edge,target=api:3.0"]
    assert meters.take() == ["c:calls,nf.app=edge,target=api:0"]


def test_a_tag_may_have_a_dot() -> None:
    meters = Meters({})
    meters.counter("playback.starts", ipc__result="success", cause="none")
    assert meters.take() == ["c:playback.starts,cause=none,ipc.result=success:0"]


def test_reads_a_gauge_when_taken() -> None:
    meters = Meters(EDGE)
    level = [1]
    meters.gauge("open", lambda: level[0], target="api")
    level[0] = 7
    assert meters.take() == ["g:open,nf.app=edge,target=api:7"]


def test_has_no_lines_without_series() -> None:
    assert Meters(EDGE).take() == []


def test_a_timer_sends_each_value_and_says_when_it_was_idle() -> None:
    meters = Meters({})
    timer = meters.timer("latency", zone="a")
    idle = ["c:latency,statistic=count,zone=a:0"]
    assert meters.take() == idle
    timer.record(0.25)
    timer.record(0.5)
    assert meters.take() == ["T:latency,zone=a:0.25", "T:latency,zone=a:0.5"]
    assert meters.take() == idle


def test_lines_of_every_step_come_before_values() -> None:
    meters = Meters({})
    meters.timer("latency").record(0.25)
    meters.counter("calls").add()
    assert [line[0] for line in meters.take()] == ["c", "T"]


def test_values_that_nobody_takes_are_only_counted() -> None:
    meters = Meters({})
    timer = meters.timer("latency")
    for _ in range(LINES_MAX + 10):
        timer.record(0.5)
    assert len(meters.take()) == LINES_MAX
    (sample,) = meters.samples()
    assert (sample.value, sample.total_s) == (LINES_MAX + 10, (LINES_MAX + 10) / 2)


def test_samples_are_counted_from_the_start() -> None:
    meters = Meters(EDGE)
    calls = meters.counter("calls", ipc__result="success")
    meters.gauge("open", lambda: 7.0)
    calls.add(2)
    meters.take()
    calls.add()
    found = {(one.name, one.kind, one.value, *one.tags.items()) for one in meters.samples()}
    assert found == {
        ("calls", "counter", 3.0, ("ipc.result", "success")),
        ("open", "gauge", 7.0),
    }
