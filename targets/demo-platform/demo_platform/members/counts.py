"""What is counted of the members: starts, and everything that they see of the platform's health.

Every series is made at once, so that a ratio of two of them is a number from the first second on.
"""

from __future__ import annotations

import msgspec

from demo_platform.members.device import DNS, OK, UNREACHABLE, Answer, Outcome
from demo_platform.members.intent import COHORTS
from demo_platform.members.visit import DECIDING, Stage
from demo_platform.metrics import Meters
from demo_platform.services import SERVICES

POPULAR = "popular"
"""The name of the rows that stand in for a member's own (resilience/fallback.py)."""

_NO_EDGE = (DNS, UNREACHABLE)
"""Why a device does not even get to an edge."""


class _Row(msgspec.Struct):
    name: str = ""


class _Home(msgspec.Struct):
    own: list[_Row] | None = None


_decode_home = msgspec.json.Decoder(_Home).decode


class Counts:
    """The meters of a region's members."""

    def __init__(self, meters: Meters) -> None:
        self.streams = 0
        self.offered = meters.counter("playback.offered")
        self._starts = {
            (outcome, cohort): meters.counter(
                "playback.starts",
                ipc__result=_result(outcome.is_ok),
                cause=outcome.cause,
                cohort=cohort or "none",
            )
            for outcome in (OK, *(Outcome(False, cause) for cause in (*SERVICES, *_NO_EDGE)))
            for cohort in COHORTS
        }
        self._delay = meters.timer("viewers.startDelay")
        self._errors = {
            stage: meters.counter("viewers.errors", stage=stage.value) for stage in Stage
        }
        self._heartbeats = {
            is_ok: meters.counter("playback.heartbeats", ipc__result=_result(is_ok))
            for is_ok in (True, False)
        }
        self._rows = {rows: meters.counter("viewers.home", rows=rows) for rows in ("own", POPULAR)}
        self._retries = meters.counter("viewers.retries")
        meters.gauge("viewers.streams", lambda: self.streams)

    def step_ended(self, stage: Stage, cohort: str, answer: Answer, took_s: float) -> None:
        """Count a step of a visit, and the start that ends with it, if one does."""
        outcome = answer.outcome
        self._retries.add(answer.tries - 1)
        if not outcome.is_ok:
            # Connecting comes with signing in: who reaches no edge then never was connected.
            is_lost = stage is Stage.SIGNIN and outcome.cause in _NO_EDGE
            self._errors[Stage.CONNECT if is_lost else stage].add()
        if stage is Stage.HEARTBEAT:
            self._heartbeats[outcome.is_ok].add()
        elif stage is Stage.HOME and outcome.is_ok:
            self._rows[rows_of(answer.body)].add()
        if stage is Stage.PLAY or (stage in DECIDING and not outcome.is_ok):
            self._start_ended(outcome, cohort, took_s)

    def _start_ended(self, outcome: Outcome, cohort: str, took_s: float) -> None:
        # A device that reached no service it knows of has reached nobody.
        unknown = self._starts[Outcome(False, UNREACHABLE), cohort]
        self._starts.get((outcome, cohort), unknown).add()
        if outcome.is_ok:
            self._delay.record(took_s)


def _result(is_ok: bool) -> str:
    """In the words of spectator's specification of calls."""
    return "success" if is_ok else "failure"


def rows_of(home: bytes) -> str:
    """Whether a home page has the member's own rows, or those that stand in for them."""
    try:
        own = _decode_home(home).own
    except msgspec.MsgspecError:
        own = None
    return "own" if own and own[0].name != POPULAR else POPULAR
