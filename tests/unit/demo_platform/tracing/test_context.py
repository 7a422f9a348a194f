"""Which headers name a trace, and which are treated as none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_platform.tracing.context import read_context, traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("headers", "is_sampled"),
    [
        ({"traceparent": f"00-{TRACE}-{SPAN}-01"}, True),
        ({"traceparent": f"00-{TRACE}-{SPAN}-00"}, False),
        ({"traceparent": f"cc-{TRACE}-{SPAN}-03-what-the-future-brings"}, True),
        ({"b3": f"{TRACE}-{SPAN}-1"}, True),
        ({"b3": f"{TRACE}-{SPAN}-d-05e3ac9a4f6e3b90"}, True),
        ({"b3": f"{TRACE}-{SPAN}-0"}, False),
        ({"b3": f"{TRACE}-{SPAN}"}, None),
        ({"x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-sampled": "1"}, True),
        ({"x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-flags": "1"}, True),
        ({"x-b3-traceid": TRACE, "x-b3-spanid": SPAN}, None),
        ({"traceparent": "nonsense", "b3": f"{TRACE}-{SPAN}-1"}, True),
    ],
)
def test_a_context_is_read(headers: dict[str, str], is_sampled: bool | None) -> None:
    context = read_context(headers)
    assert context is not None
    assert (context.trace_id, context.span_id, context.is_sampled) == (TRACE, SPAN, is_sampled)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"traceparent": ""},
        {"traceparent": f"00-{TRACE}-{SPAN}"},
        {"traceparent": f"ff-{TRACE}-{SPAN}-01"},
        {"traceparent": f"00-{TRACE}-{SPAN}-01-more"},
        {"traceparent": f"00-{TRACE.upper()}-{SPAN}-01"},
        {"traceparent": f"00-{'0' * 32}-{SPAN}-01"},
        {"traceparent": f"00-{TRACE}-{'0' * 16}-01"},
        {"b3": "0"},
        {"b3": f"{TRACE}-{'0' * 16}-1"},
        {"b3": f"{TRACE[:20]}-{SPAN}-1"},
        {"x-b3-traceid": TRACE},
    ],
)
def test_what_is_no_context_is_none(headers: dict[str, str]) -> None:
    assert read_context(headers) is None


def test_a_short_trace_id_is_carried_on_as_a_long_one() -> None:
    context = read_context({"b3": f"{TRACE[16:]}-{SPAN}-1"})
    assert context is not None
    assert context.trace_id == "0" * 16 + TRACE[16:]


def test_an_experiment_is_read_from_baggage_of_a_bounded_length() -> None:
    def experiment(baggage: str) -> str:
        context = read_context({"traceparent": f"00-{TRACE}-{SPAN}-00", "baggage": baggage})
        assert context is not None
        return context.experiment

    assert experiment("member=7, chaos.experiment = zone-outage ;p=1") == "zone-outage"
    assert not experiment("notchaos.experiment=x")
    assert not experiment("chaos.experiment=x" + "y" * 1024)


@pytest.mark.parametrize(
    ("headers", "state"),
    [
        ({"traceparent": f"00-{TRACE}-{SPAN}-00", "tracestate": "a=1,b@c=2"}, "a=1,b@c=2"),
        (
            {"traceparent": f"00-{TRACE}-{SPAN}-00", "tracestate": "a=" + "1" * 510},
            "a=" + "1" * 510,
        ),
        ({"traceparent": f"00-{TRACE}-{SPAN}-00", "tracestate": "a=" + "1" * 511}, ""),
        ({"traceparent": "nonsense", "b3": f"{TRACE}-{SPAN}-1", "tracestate": "a=1"}, ""),
    ],
)
def test_state_of_other_tracers_belongs_to_its_traceparent(
    headers: dict[str, str], state: str
) -> None:
    context = read_context(headers)
    assert context is not None
    assert context.state == state


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans())
def test_what_is_written_is_read(trace: int, span: int, is_sampled: bool) -> None:
    written = traceparent(f"{trace:032x}", f"{span:016x}", is_sampled=is_sampled)
    context = read_context({"traceparent": written})
    assert context is not None
    assert (int(context.trace_id, 16), int(context.span_id, 16)) == (trace, span)
    assert context.is_sampled is is_sampled


@given(st.text(max_size=80))
def test_no_text_is_too_strange_for_a_header(text: str) -> None:
    for name in ("traceparent", "b3", "x-b3-traceid"):
        read_context({name: text, "x-b3-spanid": text, "baggage": text})
