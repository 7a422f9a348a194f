"""The table's axes: phases of a run, events that hit it, faults; and which cells CI runs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle

PHASES = {
    "validate": "",
    "plan": "start",
    "baseline": "baseline",
    "record": "record",
    "inject": "inject",
    "confirm": "injected",
    "watch": "confirm",
    "remove": "remove",
    "recover": "removed",
    "report": "recovery",
}
"""Each phase and the journal event that opens it; validating comes before there is a journal."""

PHASE_OF = {
    "start": "plan",
    "platform": "plan",
    "plan": "plan",
    "lock": "plan",
    "watchdog": "plan",
    "warmup": "baseline",
    "baseline": "baseline",
    "look": "record",
    "record": "record",
    "inject": "inject",
    "injected": "confirm",
    "confirm": "watch",
    "remove": "remove",
    "undo": "remove",
    "removed": "recover",
    "recovery": "report",
    "because": "report",
    "verdict": "report",
}
"""The phase a run is in after an event; other events do not change it."""

MECHANISMS = {
    "hang": "signal to a process",
    "unreachable": "nft cut",
    "latency": "splice",
}
"""The fault that stands for each mechanism: it goes through the whole table."""

SHAPES = ("loss", "duplicate", "corrupt", "reorder", "rate")
"""Splices like `latency`: what one of them does to frames makes no difference to its end."""

TWO_REGIONS = ("evacuation",)
"""These need a platform with another region."""

ALIKE = (*SHAPES, "memory", "flush", "silence", "deploy", *TWO_REGIONS)
"""CI's diagonal leaves these to others that end as they do, or to a test of their own."""

OTHER_FAULTS = (
    "kill",
    "terminate",
    "dead",
    "partition",
    "burn",
    "memory",
    "files",
    "disk",
    "clock",
    "overload",
    "flush",
    "silence",
    "names",
    "deploy",
    *TWO_REGIONS,
    *SHAPES,
)
"""These are killed while they are watched, by SIGKILL of the run."""

HELD = ("burn", "files", "disk", "clock", "names")
"""Held by a process that lets go at its deadline; this stands for all its actions."""

ABOUT = ("record", "inject", "confirm", "remove")
"""Phases about a fault's going in and out, in which HELD and `terminate` are killed as well."""

REPLACED = ("kill", "dead", "terminate", "deploy", *TWO_REGIONS)
REPLACING_S = 5
"""What the platform's own scaling groups may take to replace what such a fault killed, or to let
go of what one had them start."""

SIGNAL_S, KILL_S = 2.0, 10.0
"""Promised: nothing is left so many seconds after a signal that can be handled, or one that not."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happens to a run. limit_s: nothing may be left then.

    goes_on: the run is not ended by it; the limit counts from the run's own end.
    """

    name: str
    limit_s: float
    goes_on: bool = False


EVENTS = {
    event.name: event
    for event in (
        Event("SIGINT", SIGNAL_S),
        Event("SIGTERM", SIGNAL_S),
        Event("SIGHUP", SIGNAL_S),
        Event("SIGKILL", KILL_S),
        Event("SIGKILL of both", KILL_S),
        Event("SIGSTOP", KILL_S),
        Event("disk full", SIGNAL_S, goes_on=True),
        Event("store dead", SIGNAL_S, goes_on=True),
        Event("clock +1 h", SIGNAL_S, goes_on=True),
        Event("clock -1 h", SIGNAL_S, goes_on=True),
    )
}


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One case: in this phase, this happens, with this fault."""

    phase: str
    event: str
    fault: str

    @property
    def name(self) -> str:
        """As it is called in results and on the command line."""
        return f"{self.phase}/{self.event}/{self.fault}"

    @property
    def limit_s(self) -> float:
        """Nothing may be left then."""
        return EVENTS[self.event].limit_s + (REPLACING_S if self.fault in REPLACED else 0)


def cell_named(name: str) -> Cell:
    """The cell of a name."""
    return Cell(*name.split("/"))


def every_cell() -> list[Cell]:
    """The whole table, the events that promise most first."""
    return [
        *(Cell("watch", "SIGKILL", fault) for fault in OTHER_FAULTS),
        *(Cell(phase, "SIGKILL", fault) for phase in ABOUT for fault in (*HELD, "terminate")),
        *(Cell("watch", "SIGKILL of both", fault) for fault in HELD),
        *(
            Cell(phase, event, fault)
            for event in EVENTS
            for phase in PHASES
            for fault in MECHANISMS
        ),
    ]


def diagonal() -> list[Cell]:
    """What CI runs: each phase, each event, each fault, and SIGKILL wherever a fault may be in."""
    fault = cycle(MECHANISMS)
    found = [
        *(Cell(phase, "SIGKILL", next(fault)) for phase in PHASES),
        *(Cell(phase, "SIGKILL", each) for phase in ("inject", "remove") for each in MECHANISMS),
        *(Cell("watch", "SIGINT", each) for each in MECHANISMS),
        *(Cell("watch", "SIGKILL", each) for each in OTHER_FAULTS if each not in ALIKE),
        Cell("inject", "SIGKILL", "terminate"),
        *(Cell("watch", "SIGKILL of both", each) for each in MECHANISMS),
        *(Cell("watch", event, next(fault)) for event in EVENTS if "SIGKILL" not in event),
        Cell("record", "disk full", "unreachable"),
        Cell("inject", "SIGINT", "latency"),
    ]
    return list(dict.fromkeys(found))
