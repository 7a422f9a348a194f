"""An error as a person reads it: what, where, fix."""

from __future__ import annotations

from chaosctl.errors import ChaosctlError, InvalidExperiment
from chaosctl.report.problems import render_problem
from monkeys.errors import MonkeyError


def render_error(error: ChaosctlError | MonkeyError) -> str:
    """`where: what` and, on a line of its own, the fix; a document's problems one after another."""
    if isinstance(error, InvalidExperiment):
        return "\n".join(render_problem(problem) for problem in error.problems)
    text = str(error)
    return f"{text}\n  fix: {error.fix}" if error.fix else text
