"""How faults look at a target: is the process there, and does its address answer.

Each look asks the target itself, never our journal, and is bounded in time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from monkeys.target import Instance, ProcessState, Reading, Target

MISSED_PROBES = 3
"""An address is unreachable once this many probes in a row were missed."""

PROBE_TIMEOUT_MS = 200
"""A missed probe is given up after this; so probes missed in a row are as far apart."""

_TIMED_PROBES = 3
_TIMED_BUDGET_MS = 100.0


def look_at_state(instances: Sequence[Instance], target: Target) -> dict[str, Reading]:
    """Whether each process runs, is stopped, or is gone."""
    return {each.id: Reading(state=target.state(each)) for each in instances}


def look_at_living(
    instances: Sequence[Instance],
    target: Target,
    field: str,
    ask: Callable[[Sequence[Instance]], Mapping[str, Any]],
) -> dict[str, Reading]:
    """State of each process; and what `ask` says of those that live, in that field of a reading."""
    readings = look_at_state(instances, target)
    living = _living(instances, readings)
    for id_, value in ask(living).items() if living else ():
        readings[id_] = replace(readings[id_], **{field: value})
    return readings


def look_at_reach(
    instances: Sequence[Instance], target: Target, *, origin: Instance | None = None
) -> dict[str, Reading]:
    """Whether each address answers: probed until answered once or missed three times in a row."""
    readings = look_at_state(instances, target)
    waiting = _living(instances, readings)
    for missed in range(1, MISSED_PROBES + 1):
        if not waiting:
            break
        answers = target.probe(waiting, origin=origin, timeout_ms=PROBE_TIMEOUT_MS)
        for each in waiting:
            answer = answers.get(each.id)
            readings[each.id] = replace(
                readings[each.id], missed=0 if answer is not None else missed, round_trip_ms=answer
            )
        waiting = [each for each in waiting if answers.get(each.id) is None]
    return readings


def look_at_time(
    instances: Sequence[Instance], target: Target, *, timeout_ms: int
) -> dict[str, Reading]:
    """How long each address takes to answer: the shortest of up to three probes.

    The shortest, because a busy machine only ever adds. Slow answers are asked for once: there the
    machine's share is small, and three would take long.
    """
    readings = look_at_state(instances, target)
    living = _living(instances, readings)
    spent_ms = 0.0
    for _ in range(_TIMED_PROBES if living else 0):
        answers = target.probe(living, timeout_ms=timeout_ms)
        for each in living:
            readings[each.id] = _faster(readings[each.id], answers.get(each.id))
        spent_ms += max((answer or timeout_ms for answer in answers.values()), default=0.0)
        if spent_ms > _TIMED_BUDGET_MS:
            break
    return readings


def _living(instances: Sequence[Instance], readings: Mapping[str, Reading]) -> list[Instance]:
    """Those worth a probe: of a world that is gone not even the place to probe from is left."""
    return [each for each in instances if readings[each.id].state is not ProcessState.GONE]


def is_reachable(reading: Reading | None) -> bool:
    """Whether the last probe of this reading was answered."""
    return reading is not None and reading.missed == 0 and reading.round_trip_ms is not None


def is_unreachable(reading: Reading | None) -> bool:
    """Whether a living process missed enough probes in a row; one that is gone is not cut off."""
    return (
        reading is not None
        and reading.missed >= MISSED_PROBES
        and reading.state is not ProcessState.GONE
    )


def is_gone(reading: Reading | None) -> bool:
    """Whether the process was seen to be no more."""
    return reading is not None and reading.state is ProcessState.GONE


def became_unreachable(
    before: Mapping[str, Reading], now: Mapping[str, Reading]
) -> dict[str, bool]:
    """Reachable before, and then three probes missed."""
    return {
        id_: is_reachable(reading) and is_unreachable(now.get(id_))
        for id_, reading in before.items()
    }


def _faster(reading: Reading, answer: float | None) -> Reading:
    if answer is None:
        return replace(reading, missed=reading.missed + 1)
    best = answer if reading.round_trip_ms is None else min(answer, reading.round_trip_ms)
    return replace(reading, missed=0, round_trip_ms=best)
