"""From a Chaos Toolkit document to an experiment that the engine runs like any other."""

from __future__ import annotations

from collections.abc import Sequence

from chaosctl.drivers.activities.activity import Activity
from chaosctl.drivers.activities.tolerating import in_words
from chaosctl.experiment.load import Document, Loaded, load_found
from chaosctl.experiment.model import (
    Check,
    Comparison,
    Condition,
    Experiment,
    Limit,
    Select,
    Step,
    TargetSpec,
)
from chaosctl.importers.toolkit_document import ToolkitDocument, longest_ms
from chaosctl.importers.toolkit_nodes import is_toolkit
from chaosctl.importers.toolkit_reading import read_toolkit

DRIVER = "toolkit"
METHOD = "toolkit-method"
FINAL_MS = 5_000
"""For the last look at the hypothesis, with the fault still in."""

SLACK_MS = 3_000


def load_any(found: Document, settings: Sequence[str] = ()) -> Loaded:
    """An experiment of our own kind or of another tool's. Raises InvalidExperiment."""
    if not is_toolkit(found.text, found.source):
        return load_found(found, settings)
    document = read_toolkit(found.text, found.source, settings=settings, name=found.name)
    told = tuple("secrets=[secret]" if s.startswith("secrets") else s for s in settings)
    return Loaded(as_experiment(document), document.text, told, document)


def as_experiment(document: ToolkitDocument) -> Experiment:
    """The experiment: one step, which is the whole method."""
    method = Step(
        fault=METHOD,
        select=Select(),
        parameters={
            "actions": tuple(each.name for each in document.actions),
            "rollbacks": tuple(each.name for each in document.rollbacks),
        },
        for_ms=longest_ms(document) + FINAL_MS,
    )
    judged = document.probes if document.strategy != "skip" else ()
    return Experiment(
        name=document.name,
        title=document.title,
        target=TargetSpec(DRIVER, {"name": document.own.target}, document.own.kind),
        baseline_ms=document.own.baseline_ms,
        hypothesis=tuple(as_check(probe, document.own.every_ms) for probe in judged),
        method=(method,),
        recovery_ms=document.own.recovery_ms,
        source=document.source,
        sha256=document.sha256,
    )


def as_check(probe: Activity, every_ms: int) -> Check:
    """A probe's answers as a check: 1 within tolerance, 0 out of it or failed."""
    limit_ms = round(1000 * probe.limit_s) if isinstance(probe.limit_s, float) else 300_000
    limit = Limit(1.0, False, f"1 (tolerance {in_words(probe.tolerance)})")
    return Check(
        name=probe.name,
        query=f"probe:{probe.name}",
        hold=Condition(Comparison.AT_LEAST, (limit,)),
        gap_ms=limit_ms + every_ms + SLACK_MS,
    )
