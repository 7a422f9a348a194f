"""A run as lines of text: one an event, stable prefixes, a sign of life every ten seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from chaosctl.judge.verdict import Outcome
from chaosctl.report.symbols import duration, number

HEARTBEAT_MS = 10_000
QUIET_EVENTS = frozenset({"look", "record", "sample", "lock", "lines"})
"""In the journal, but not worth a line of their own in the plain view."""

Event = Mapping[str, Any]


def plain_line(event: Event) -> str:
    """One event as a line: clock, time since start, event, text."""
    at_s, ms = divmod(int(event["at_ms"]), 1000)
    clock = time.strftime("%H:%M:%S", time.localtime(at_s))
    text = describe(event)
    since = f"+{event['t_ms'] / 1000:.1f}s"
    return f"{clock}.{ms:03d} {since:<7} {event['event']:<9} {text}".rstrip()


def describe(event: Event) -> str:
    """What an event says, in words; events without words of their own as key=value."""
    words = WORDS.get(event["event"])
    if words is not None:
        return words(event)
    skip = ("schema", "seq", "prev", "at_ms", "t_ms", "event")
    return " ".join(f"{k}={v}" for k, v in event.items() if k not in skip and v not in ("", None))


class PlainView:
    """Prints the events of a run as they come."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._said_ms = 0

    def __enter__(self) -> PlainView:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()

    def __call__(self, event: Event) -> None:
        """Print the event, unless it is a detail and something was said lately."""
        is_detail = event["event"] in QUIET_EVENTS
        is_heartbeat = event["event"] == "sample" and event["t_ms"] - self._said_ms >= HEARTBEAT_MS
        if is_detail and not is_heartbeat:
            return
        self._said_ms = event["t_ms"]
        print(plain_line(event), file=self._stream, flush=True)


def _start(event: Event) -> str:
    return f"run={event['run']} experiment={event['experiment']} seed={event['seed']}"


def _platform(event: Event) -> str:
    return " ".join(f"{key}={event[key]}" for key in ("target", "size", "fabric") if key in event)


def _guard(event: Event) -> str:
    said = "allows" if event["ok"] else "refuses"
    again = f"; {event['again']}" if event["again"] else ""
    return f"{event['guard']} {said}: {event['text']}{again}"


def _plan(event: Event) -> str:
    targets = sum(len(step["targets"]) for step in event["steps"])
    longest = duration(event["at_most_ms"])
    return f"{targets} of {event['population']} instances, at most {longest}"


def _warmup(event: Event) -> str:
    if event["state"] == "begin":
        return f"waiting for three steady steps (at most {duration(event['at_most_ms'])})"
    return f"steady after {duration(event['took_ms'])}"


def _baseline(event: Event) -> str:
    if event["state"] == "begin":
        return f"measuring for {duration(event['end_ms'] - event['start_ms'])}"
    values = " ".join(f"{c['name']}={number(c['value'])}" for c in event["checks"])
    return f"{event['outcome']} {values} {event['text']}".rstrip()


def _inject(event: Event) -> str:
    return f"{event['fault']}, undo steps on disk: {event['records']}"


def _seen(event: Event) -> str:
    trouble = f", {event['trouble']}" if event.get("trouble") else ""
    missing = f", not on {' '.join(event['missing'])}" if event["missing"] else ""
    after = duration(event["after_ms"])
    return f"{event['fault']} {event['seen']}/{event['of']} after {after}{missing}{trouble}"


def _sample(event: Event) -> str:
    return " ".join(f"{name}={number(c['step'])}" for name, c in event["checks"].items())


def _check(event: Event) -> str:
    reason = f" {event['reason']}" if event["reason"] else ""
    return (
        f"{event['name']}: {event['outcome']} {number(event['value'])} ({event['limit']}){reason}"
    )


def _stop(event: Event) -> str:
    if event.get("blind"):
        return f"blind: {event['text']} {event['trouble']}".rstrip()
    return f"{event['name']}: {number(event['value'])} ({event['limit']})"


def _branch(event: Event) -> str:
    if event["way"] == "none":
        return f"{event['check']}: {event['outcome']}, so neither way"
    state = "holding" if event["outcome"] == Outcome.PASS else "broken"
    return f"{event['check']}: {state}, so '{event['way']}'"


def _manual(event: Event) -> str:
    if event["state"] == "asked":
        within = duration(event["within_ms"])
        return f"{event['text']}: press enter when it is done (within {within}, or all is undone)"
    why = f", {event['why']}" if event.get("why") else ""
    return f"{event['text']}: {event['state']}{why}"


def _recovery(event: Event) -> str:
    limit = duration(event["within_ms"])
    if event["took_ms"] is None:
        return f"not steady again within {limit}"
    return f"steady after {duration(event['took_ms'])} (limit {limit})"


def _undo(event: Event) -> str:
    done = "ok" if event["ok"] else f"FAIL {event['error']}"
    hit = len(event["instances"])
    return f"{event['fault']} on {hit} instances: {done} in {duration(event['took_ms'])}"


def _verdict(event: Event) -> str:
    return f"{event['verdict']} undo={event['undo']} exit={event['exit_code']} {event['reason']}"


def _activity(event: Event) -> str:
    done = "ok" if event["ok"] else "no" if event["when"] else "FAIL"
    when = f" {event['when']} the action" if event["when"] else ""
    return f"{event['kind']} {event['name']}{when}: {done} {event['text']}".rstrip()


WORDS: dict[str, Callable[[Event], str]] = {
    "start": _start,
    "platform": _platform,
    "guard": _guard,
    "plan": _plan,
    "lock": lambda event: str(event["target"]),
    "watchdog": lambda event: f"pid {event['process']['pid']}" if "process" in event else "",
    "warmup": _warmup,
    "baseline": _baseline,
    "look": lambda event: f"{event['fault']} {event['when']}: {len(event['readings'])} instances",
    "record": lambda event: f"{event['record']['id']} {event['record']['mechanism']}",
    "inject": _inject,
    "injected": lambda event: f"{event['records']} undo steps",
    "confirm": _seen,
    "sample": _sample,
    "check": _check,
    "stop": _stop,
    "order": lambda event: f"by hand: {event['order']} after {duration(event['after_ms'])}",
    "branch": _branch,
    "manual": _manual,
    "ramp": lambda event: f"{event['fault']}: level {event['level']} of {event['of']}",
    "remove": lambda event: f"taking back {event['records']} undo steps",
    "removed": _seen,
    "recovery": _recovery,
    "undo": _undo,
    "activity": _activity,
    "note": lambda event: str(event.get("text", "")),
    "because": lambda event: f"{event['name']}: {'; '.join(event['findings'])}",
    "verdict": _verdict,
}
