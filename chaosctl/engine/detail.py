"""What the result of a run says besides the verdict, as plain JSON values."""

from __future__ import annotations

from typing import Any

from chaosctl.engine.judging import check_named, fault_spans_json, judged_json, scores_of
from chaosctl.engine.session import Session
from chaosctl.engine.watching import check_json
from chaosctl.judge.decide import Facts
from chaosctl.judge.hypothesis import CheckState
from chaosctl.judge.score import total_score


def detail_of(session: Session, states: list[CheckState]) -> dict[str, Any]:
    """Everything that result.json has under `detail`."""
    facts: Facts = session.facts
    scores = scores_of(session, states)
    return {
        "experiment": session.setup.experiment.name,
        "title": session.setup.experiment.title,
        "document": {
            "source": session.setup.experiment.source,
            "sha256": session.setup.experiment.sha256,
        },
        "about": session.setup.about,
        "target": _target(session),
        "seed": session.setup.seed,
        "signal": session.signal_number,
        "ended_by": facts.ended_by,
        "stopped_by_hand": _stopped(session),
        "checks": [
            check_json(state)
            | {"weight": part.weight, "held": part.held, "score": part.score}
            | {"fault_spans": fault_spans_json(session, check_named(session, state.name))}
            for state, part in zip(states, scores, strict=True)
        ],
        # Of a part of the fault's time it would say something else than that of the whole.
        "score": None if facts.stopped else total_score(scores),
        "baseline": facts.baseline,
        "baseline_text": facts.baseline_text,
        "because": session.because,
        "confirmed": facts.confirmed,
        "trusted": session.trusted,
        "baseline_span": session.baseline
        and {"start_ms": session.baseline.start_ms, "end_ms": session.baseline.end_ms},
        "judged": judged_json(facts),
        "recovery_ms": facts.recovery_ms,
        "recovery_within_ms": facts.recovery_within_ms,
        "undo": _undo(session),
        "started_ms": session.journal.started_ms,
        "injected_ms": session.injected_ms,
        "confirmed_ms": session.confirmed_ms,
        "removing_ms": session.removing_ms,
        "removed_ms": session.removed_ms,
        "ended_ms": session.context.now_ms(),
        "targets": list(dict.fromkeys(i.id for one in session.hits for i in one.step.targets)),
    }


def _stopped(session: Session) -> dict[str, int] | None:
    """How long the fault was in when a person stopped it; None if nobody did, or in vain."""
    if not session.facts.stopped:
        return None
    after_ms = session.stopped_ms - session.injected_ms
    return {"after_ms": after_ms, "of_ms": session.plan.fault_ms}


def _undo(session: Session) -> dict[str, Any]:
    """How many of the records are undone, and what is wrong with the others."""
    pending = session.pending()
    errors = [
        f"{', '.join(i.id for i in record.instances) or record.id} ({record.fault}): "
        + (
            session.undone[record.id].error
            if record.id in session.undone
            else "left to the watchdog"
        )
        for record in pending
    ]
    return {
        "done": len(session.records) - len(pending),
        "of": len(session.records),
        "errors": errors,
    }


def _target(session: Session) -> dict[str, Any]:
    """Which target it was, and what it said about itself; only the driver if none was reached."""
    driver = session.setup.experiment.target.driver
    if not hasattr(session, "plan"):
        return {"driver": driver}
    world = session.world
    return {"driver": driver, "id": session.plan.target_id, "name": world.target.name} | dict(
        world.about
    )
