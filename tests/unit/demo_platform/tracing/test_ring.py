"""What a collector keeps, and what makes room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from demo_platform.tracing.ring import RINGS_MAX, ZONE_TAG, Rings
from demo_platform.tracing.span import SPAN_BYTES_MAX, ZipkinSpan, encode_span


def span(trace: int, own: int = 1, *, zone: str = "a", more: str = "") -> ZipkinSpan:
    return ZipkinSpan(f"{trace:032x}", f"{own:016x}", tags={ZONE_TAG: zone, "more": more})


def test_a_trace_is_put_together_from_the_rings_of_its_zones() -> None:
    rings = Rings()
    rings.add([span(7, 1, zone="a"), span(7, 2, zone="b"), span(8, 1)])
    assert {one.id[-1] for one in rings.trace(f"{7:032x}")} == {"1", "2"}
    assert sorted(map(len, rings.traces())) == [1, 2]
    assert rings.trace("f" * 32) == []


def test_the_oldest_traces_make_room_in_their_zone_only() -> None:
    rings = Rings(size_bytes_max=10 * len(encode_span(span(1))))
    rings.add([span(1, zone="quiet")])
    rings.add(span(trace) for trace in range(100, 200))
    kept = {trace[0].trace_id for trace in rings.traces()}
    assert kept == {f"{one:032x}" for one in (1, *range(190, 200))}


def test_a_span_that_is_too_long_is_counted() -> None:
    rings = Rings()
    rings.add([span(1, more="x" * SPAN_BYTES_MAX), span(2)])
    assert (rings.dropped, len(list(rings.traces()))) == (1, 1)


def test_who_invents_zones_shares_a_ring() -> None:
    rings = Rings()
    rings.add(span(trace, zone=f"zone-{trace}") for trace in range(3 * RINGS_MAX))
    assert len(rings.size_bytes()) == RINGS_MAX + 1
    assert len(list(rings.traces())) == 3 * RINGS_MAX


@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from("ab"), st.text(max_size=300))))
def test_no_ring_holds_more_than_it_may(sent: list[tuple[int, str, str]]) -> None:
    rings = Rings(size_bytes_max=1000)
    for trace, zone, more in sent:
        rings.add([span(trace, zone=zone, more=more)])
        assert all(0 <= size <= 1000 for size in rings.size_bytes().values())
