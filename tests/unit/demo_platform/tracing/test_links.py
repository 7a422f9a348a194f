"""Which links follow from which spans, and that no tangle of spans is too much."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_platform.tracing.links import Link, links_of
from demo_platform.tracing.span import Endpoint, ZipkinSpan, read_spans
from tests.zipkin_cases import Case, cases


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.says)
def test_links_follow_from_spans(case: Case) -> None:
    spans = read_spans(json.dumps(case.documents(0)).encode(), where="test")
    found = {(one.parent, one.child, one.call_count, one.error_count) for one in links_of([spans])}
    assert found == case.expected()


def test_links_of_several_traces_are_added_up() -> None:
    trace = [ZipkinSpan("1", "1", kind="SERVER", local_endpoint=Endpoint("api"))]
    trace[0].remote_endpoint = Endpoint("edge")
    assert links_of([trace, trace]) == [Link("edge", "api", 2, 0)]


ids = st.sampled_from(["1", "2", "3"])
names = st.sampled_from(["", "api", "edge"]).map(Endpoint)
spans = st.builds(
    ZipkinSpan,
    trace_id=st.just("1"),
    id=ids,
    parent_id=st.none() | ids,
    kind=st.sampled_from([None, "CLIENT", "SERVER", "PRODUCER", "CONSUMER"]),
    local_endpoint=names,
    remote_endpoint=names,
    shared=st.booleans(),
)


@given(st.lists(spans, max_size=8))
def test_no_tangle_of_spans_is_followed_for_ever(trace: list[ZipkinSpan]) -> None:
    links = links_of([trace])
    assert sum(link.call_count for link in links) <= 2 * len(trace)
    assert all(link.parent and link.child for link in links)
