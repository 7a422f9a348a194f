"""A document of another tool as people read it: what it will do here, and what is stricter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chaosctl.report.problems import as_json as problem_json

if TYPE_CHECKING:
    from chaosctl.importers.toolkit_document import ToolkitDocument

STRICTER = (
    "The hypothesis must hold before, or nothing is touched (exit 3).",
    "NaN and what is no number are never within a tolerance.",
    "An action must be seen by a probe after it, or the run is inconclusive (exit 4).",
    "An action that fails ends the method; all is undone (exit 4).",
    "Rollbacks run on every way out, signals and kill -9 too; one that fails is exit 6.",
    "After the rollbacks the hypothesis must hold again within {recovery:g} s (exit 1).",
)


def render_document(document: ToolkitDocument) -> str:
    """What it will do, then what is stricter, in general and at its place."""
    lines = [f"{document.name} · {document.title}", ""]
    lines += _labelled("hypothesis", _hypothesis(document))
    lines += _labelled("method", _method(document))
    lines += _labelled("rollbacks", [each.name for each in document.rollbacks] or ["none"])
    lines += _labelled("lock", [f"one run at a time of all that name '{document.own.target}'"])
    lines += ["", "stricter here, for every document"]
    recovery_s = document.own.recovery_ms / 1000
    lines += [f"  {line.format(recovery=recovery_s)}" for line in STRICTER]
    lines += ["", "of this document" if document.warnings else "of this document: nothing more"]
    for warning in document.warnings:
        lines += [f"  {warning.where}: {warning.what}", f"    fix: {warning.fix}"]
    return "\n".join(lines)


def as_json(document: ToolkitDocument) -> dict[str, Any]:
    """The same as plain JSON values (schema chaosctl/import/v1)."""
    from chaosctl.importers.toolkit_document import groups, tolerances  # noqa: PLC0415 - at use

    names = [each.name for each in document.method]
    return {
        "schema": "chaosctl/import/v1",
        "runs": True,
        "name": document.name,
        "title": document.title,
        "target": document.own.target,
        "strategy": document.strategy,
        "hypothesis": [
            {"name": name, "tolerance": tolerance} for name, tolerance in tolerances(document)
        ],
        "method": [
            {
                "actions": [names[n] for n in group.actions],
                "observers": [names[n] for n in group.observers],
            }
            for group in groups(document.method)
        ],
        "rollbacks": [each.name for each in document.rollbacks],
        "stricter": [problem_json(warning) for warning in document.warnings],
    }


def _hypothesis(document: ToolkitDocument) -> list[str]:
    from chaosctl.importers.toolkit_document import tolerances  # noqa: PLC0415 - at use

    if not document.probes:
        return ["none"]
    when = {
        "default": "before, at the end of the method, and after the rollbacks",
        "after-method-only": "before, at the end of the method, and after the rollbacks",
        "continuously": "before, during and after",
        "during-method-only": "before, during and after",
        "before-method-only": "before",
        "skip": "never",
    }[document.strategy]
    found = [f"{name}: tolerance {tolerance}" for name, tolerance in tolerances(document)]
    return [*found, f"judged {when}"]


def _method(document: ToolkitDocument) -> list[str]:
    from chaosctl.importers.toolkit_document import groups  # noqa: PLC0415 - at use

    seen_by = {
        number: " and ".join(document.method[n].name for n in group.observers)
        for group in groups(document.method)
        for number in group.actions
    }
    lines = []
    for number, activity in enumerate(document.method):
        kind = "action" if activity.is_action else "probe"
        text = f"{kind} {activity.name}"
        if activity.is_background:
            text += ", in the background"
        if activity.is_action:
            text += f", seen by: {seen_by[number] or 'nothing'}"
        lines.append(text)
    return lines or ["nothing"]


def _labelled(label: str, texts: list[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        yield f" {label if number == 0 else '':<11} {text}"
