"""What a run did, to whom and when, in sentences: for reports that have no timeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from chaosctl.engine.journal import Event
from chaosctl.report.evidence import Evidence, zero_of
from chaosctl.report.symbols import duration

DEEDS_MAX = 10


def run_sentence(evidence: Evidence) -> str:
    """Which run it was, of what, and when."""
    target: Mapping[str, Any] = evidence.result.detail.get("target") or {}
    platform = evidence.first("platform")
    name = target.get("name") or platform.get("name") or target.get("driver", "")
    identity = target.get("id") or platform.get("target", "")
    on = f" on {name} ({identity})" if identity else f" on {name}" if name else ""
    at = ""
    if zero_ms := zero_of(evidence):
        at = f", begun {datetime.fromtimestamp(zero_ms / 1000, tz=UTC):%Y-%m-%d %H:%M:%S} UTC"
    return f"Run {evidence.result.run_id}{on}{at}."


def deeds(evidence: Evidence) -> list[str]:
    """A sentence for each injection, from the journal; of a killed run, too."""
    injections = evidence.all("inject")
    if not injections:
        return ["Nothing was injected."]
    told = [_deed(evidence, event) for event in injections[:DEEDS_MAX]]
    if len(injections) > DEEDS_MAX:
        told.append(f"{len(injections) - DEEDS_MAX} more injections are in the journal.")
    return told


def _deed(evidence: Evidence, inject: Event) -> str:
    fault = str(inject.get("fault", ""))
    hit = _hit(evidence, inject)
    known = {str(one["id"]): one for step in _steps(evidence) for one in step["targets"]}
    among = int(evidence.first("plan").get("population", 0))
    share = f"{len(hit)} of {among}" if among else f"{len(hit)}"
    where = "; ".join(_places([known[each] for each in hit if each in known]))
    text = f"{fault} on {share} instances" + (f" ({where})" if where else "")
    text += f": put in at {_at(evidence, inject)}"
    seen = _answer(evidence, inject, "confirm")
    text += f", seen at {seen['seen']} of {seen['of']}" if seen else ", not confirmed"
    if seen and seen["seen"]:
        text += f" after {duration(seen['after_ms'])}"
    gone = _answer(evidence, inject, "removed")
    if gone is None:
        return f"{text}; the run did not see it gone."
    return f"{text}; seen gone at {gone['seen']} of {gone['of']} by {_at(evidence, gone)}."


def _hit(evidence: Evidence, inject: Event) -> Sequence[str]:
    """Ids of those that were hit; journals of earlier versions leave that to the plan."""
    if "targets" in inject:
        return [str(each) for each in inject["targets"]]
    steps = [step for step in _steps(evidence) if step["fault"] == inject.get("fault")]
    return [str(one["id"]) for one in steps[0]["targets"]] if steps else []


def _answer(evidence: Evidence, inject: Event, kind: str) -> Event | None:
    """What was seen next of this fault at these instances."""
    return next(
        (
            event
            for event in evidence.all(kind)
            if event["seq"] > inject["seq"]
            and event.get("fault") == inject.get("fault")
            and event.get("targets") == inject.get("targets")
        ),
        None,
    )


def _steps(evidence: Evidence) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = evidence.plan.get("steps") or ()
    return found


def _places(hit: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """`us-east-1a: 2 api, 1 edge` for each zone."""
    zones: dict[str, Counter[str]] = {}
    for one in hit:
        if service := str(one.get("service", "")):
            zones.setdefault(str(one.get("zone", "")), Counter())[service] += 1
    for zone, services in sorted(zones.items()):
        counts = ", ".join(f"{count} {service}" for service, count in sorted(services.items()))
        yield f"{zone}: {counts}" if zone else counts


def _at(evidence: Evidence, event: Event) -> str:
    return f"{(int(event['at_ms']) - zero_of(evidence)) / 1000:+.1f} s"
