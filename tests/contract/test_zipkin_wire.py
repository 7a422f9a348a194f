"""What any server of Zipkin's v2 API must do, told by a sender that nobody changed for it.

The same questions go to ours and to the original.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.exporter.zipkin.json import ZipkinExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from tests.contract.eureka_servers import INSTALLS_WITHIN_S, STARTS_WITHIN_S
from tests.contract.zipkin_servers import ask, original, ours
from tests.zipkin_cases import Case, cases

ENGINES = [
    pytest.mark.integration,
    pytest.mark.engines,
    pytest.mark.timeout(STARTS_WITHIN_S + INSTALLS_WITHIN_S + 60),
]
SEEN_WITHIN_S = 10.0


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("ours", id="ours"),
        pytest.param("original", id="original", marks=ENGINES),
    ],
)
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "ours":
        with ours() as address:
            yield address
    else:
        with original(tmp_path_factory.mktemp("zipkin")) as address:
            yield address


class Sent:
    """A call of edge to api, which failed at api; sent by the exporter as two services would."""

    def __init__(self, base: str) -> None:
        edge, api = (_provider(base, name) for name in ("Edge", "api"))
        root = edge.get_tracer("t").start_span("Play", kind=SpanKind.CLIENT)
        root.set_attribute("net.peer.name", "api")
        served = api.get_tracer("t").start_span(
            "play", context=set_span_in_context(root), kind=SpanKind.SERVER
        )
        served.set_attribute("nf.zone", "us-east-1a")
        served.set_status(Status(StatusCode.ERROR, "shed"))
        time.sleep(0.02)
        served.end()
        root.end()
        context = root.get_span_context()
        self.trace_id = f"{context.trace_id:032x}"
        self.root_id = f"{context.span_id:016x}"
        for provider in (edge, api):
            provider.shutdown()


def _provider(base: str, service: str) -> TracerProvider:
    provider = TracerProvider(resource=Resource({"service.name": service}))
    exporter = ZipkinExporter(endpoint=f"{base}/api/v2/spans", timeout=10)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


@pytest.fixture(scope="module")
def sent(base: str) -> Sent:
    one = Sent(base)
    until(lambda: len(ask(base, f"/api/v2/trace/{one.trace_id}")[1] or ()) == 2)
    return one


def until(claim: Any) -> None:
    """Wait until a claim holds: the original takes spans in the background."""
    ends = time.monotonic() + SEEN_WITHIN_S
    while not claim():
        assert time.monotonic() < ends, f"not within {SEEN_WITHIN_S} s"
        time.sleep(0.05)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_a_trace_has_the_spans_of_both_services(base: str, sent: Sent) -> None:
    _, trace = ask(base, f"/api/v2/trace/{sent.trace_id}")
    by_kind = {span["kind"]: span for span in trace}
    client, server = by_kind["CLIENT"], by_kind["SERVER"]
    assert (client["id"], client["name"]) == (sent.root_id, "play")
    assert (server["parentId"], server["traceId"]) == (sent.root_id, sent.trace_id)
    assert client["localEndpoint"]["serviceName"] == "edge"
    assert server["tags"]["nf.zone"] == "us-east-1a"
    assert server["tags"]["error"] == "shed"
    assert server["duration"] >= 20_000


def test_services_and_their_spans_are_listed(base: str, sent: Sent) -> None:
    del sent
    assert {"api", "edge"} <= set(ask(base, "/api/v2/services")[1])
    assert ask(base, "/api/v2/spans?serviceName=api")[1] == ["play"]
    assert ask(base, "/api/v2/spans?serviceName=nobody")[1] == []
    assert ask(base, "/api/v2/remoteServices?serviceName=nobody")[1] == []


@pytest.mark.parametrize(
    ("question", "is_found"),
    [
        ("serviceName=edge", True),
        ("serviceName=API&spanName=play", True),
        ("serviceName=api&spanName=home", False),
        ("serviceName=api&annotationQuery=error", True),
        ("serviceName=api&annotationQuery=error%20and%20nf.zone%3Dus-east-1a", True),
        ("serviceName=edge&annotationQuery=error", False),
        ("serviceName=api&annotationQuery=nf.zone%3Dus-east-1b", False),
        ("serviceName=api&minDuration=20000", True),
        ("serviceName=api&minDuration=60000000", False),
        ("serviceName=api&minDuration=1&maxDuration=10000", False),
        ("serviceName=nobody", False),
        ("serviceName=api&lookback=1&endTs=1000", False),
    ],
)
def test_traces_are_found_by(base: str, sent: Sent, question: str, is_found: bool) -> None:
    _, traces = ask(base, f"/api/v2/traces?{question}")
    found = {trace[0]["traceId"] for trace in traces}
    assert (sent.trace_id in found) is is_found


def test_links_are_computed(base: str, sent: Sent) -> None:
    del sent
    _, links = ask(base, f"/api/v2/dependencies?endTs={now_ms() + 1000}&lookback=60000")
    assert {"parent": "edge", "child": "api", "callCount": 1, "errorCount": 1} in links


def test_several_traces_are_answered_at_once(base: str, sent: Sent) -> None:
    unknown = "9" * 32
    _, traces = ask(base, f"/api/v2/traceMany?traceIds={sent.trace_id},{unknown}")
    assert [len(trace) for trace in traces] == [2]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"/api/v2/trace/{'7' * 32}", None, 404),
        ("/api/v2/trace/what", None, 400),
        ("/api/v2/dependencies", None, 400),
        ("/api/v2/traces?limit=x", None, 400),
        ("/api/v2/traces?limit=0", None, 400),
        ("/api/v2/spans", {"not": "a list"}, 400),
        ("/api/v2/spans", [{"traceId": "x", "id": "1"}], 400),
        ("/api/v2/spans", [{"id": "1"}], 400),
        ("/api/v2/spans", [{"traceId": "1", "id": "2"}], 202),
        ("/api/v2/spans", [], 202),
    ],
)
def test_a_request_is_answered_with(base: str, path: str, body: object, status: int) -> None:
    assert ask(base, path, body)[0] == status


@pytest.mark.parametrize(
    ("number", "case"), list(enumerate(cases())), ids=lambda x: getattr(x, "says", "")
)
def test_links_follow_from_spans(base: str, number: int, case: Case) -> None:
    suffix = f"-{number}"
    assert ask(base, "/api/v2/spans", case.documents(number + 100, suffix))[0] == 202
    trace_id = f"{number + 101:032x}"
    until(lambda: len(ask(base, f"/api/v2/trace/{trace_id}")[1] or ()) == len(case.spans))
    _, links = ask(base, f"/api/v2/dependencies?endTs={now_ms() + 1000}&lookback=60000")
    found = {
        (
            link["parent"].removesuffix(suffix),
            link["child"].removesuffix(suffix),
            link["callCount"],
            link.get("errorCount", 0),
        )
        for link in links
        if link["parent"].endswith(suffix)
    }
    assert found == case.expected()
