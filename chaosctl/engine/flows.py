"""What went between the target's services, asked of the store once, at the end of a run, and kept.

Bounded: so many flows, so many steps of each (longer ones for a longer run), so much time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from chaosctl.engine.session import Session
from chaosctl.judge.samples import STEP_MS, Series, Span
from chaosctl.judge.traffic import NO_TRAFFIC, Flow, Traffic

ASK_S_MAX = 3.0
STEPS_MAX = 600
FLOWS_MAX = 160
DIGITS = 6
PARTS = ("rate", "failed", "replaced", "open")


def ask_flows(session: Session) -> Traffic:
    """From the baseline to the newest step; what cannot be had is said, and changes no verdict."""
    if session.baseline is None:
        return NO_TRAFFIC
    whole = Span(session.baseline.start_ms, session.sampler.settled_ms)
    step_ms = step_for(whole)
    span = Span(whole.start_ms // step_ms * step_ms, whole.end_ms // step_ms * step_ms)
    ask = partial(session.world.flows, span, step_ms)
    answer = session.bounded(ask, ASK_S_MAX)
    if isinstance(answer, Traffic):
        return _fewest(answer)
    trouble = str(answer) or f"no answer within {ASK_S_MAX:g} s"
    session.note(f"what went between the services is not known: {trouble}")
    return Traffic(trouble=trouble)


def step_for(span: Span) -> int:
    """The shortest step of whole seconds by which the span has at most STEPS_MAX of them, ms.

    >>> step_for(Span(0, 60_000)), step_for(Span(0, 3_600_000))
    (1000, 6000)
    """
    return STEP_MS * max(1, math.ceil((span.end_ms - span.start_ms) / STEP_MS / STEPS_MAX))


def traffic_as_json(traffic: Traffic) -> dict[str, Any]:
    """The flows as plain JSON values; a part that was 0 all the time is left out."""
    return {
        "step_ms": traffic.step_ms,
        "left_out": traffic.left_out,
        "trouble": traffic.trouble,
        "registered": _packed(traffic.registered, traffic.step_ms) if traffic.registered else None,
        "flows": [
            {"service": flow.service, "caller": flow.caller}
            | {
                name: _packed(series, traffic.step_ms)
                for name in PARTS
                if any((series := getattr(flow, name)).values()) or (name == "rate" and series)
            }
            for flow in traffic.flows
        ],
    }


def traffic_from_json(found: Mapping[str, Any] | None) -> Traffic:
    """What `traffic_as_json` made; runs of earlier versions have none."""
    if not found:
        return NO_TRAFFIC
    step_ms = int(found["step_ms"])
    flows = tuple(
        Flow(
            flow["service"],
            flow["caller"],
            **{name: _unpacked(flow.get(name), step_ms) for name in PARTS},
        )
        for flow in found["flows"]
    )
    registered = _unpacked(found.get("registered"), step_ms)
    return Traffic(flows, step_ms, int(found["left_out"]), str(found["trouble"]), registered)


def _fewest(traffic: Traffic) -> Traffic:
    """The busiest flows, in the order in which they came."""
    ranked = sorted(traffic.flows, key=lambda flow: -math.fsum(flow.rate.values()))
    kept = {id(flow) for flow in ranked[:FLOWS_MAX]}
    left_out = traffic.left_out + len(traffic.flows) - len(kept)
    flows = tuple(flow for flow in traffic.flows if id(flow) in kept)
    return replace(traffic, flows=flows, left_out=left_out)


def _packed(series: Series, step_ms: int) -> dict[str, Any]:
    ends = range(min(series), max(series) + 1, step_ms)
    values = [series.get(end) for end in ends]
    short = [None if value is None else float(f"{value:.{DIGITS}g}") for value in values]
    return {"start_ms": ends.start, "values": short}


def _unpacked(packed: Mapping[str, Any] | None, step_ms: int) -> dict[int, float]:
    if packed is None:
        return {}
    return {
        packed["start_ms"] + number * step_ms: float(value)
        for number, value in enumerate(packed["values"])
        if value is not None
    }
