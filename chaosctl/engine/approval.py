"""What a person is asked before a run: nothing, a `y`, or the name of what they are about to break.

The answer stands for the plan that was shown. It skips no guard, limit or lock.
"""

from __future__ import annotations

from enum import StrEnum

from chaosctl.engine.plan import Plan
from chaosctl.experiment.model import TargetSpec

OWN_TOYS = ("demo",)
"""Drivers of what this product brings along itself: there is nothing to lose."""

ANSWER_LENGTH_MAX = 500


class Approval(StrEnum):
    """How much a person must say."""

    NONE = "none"
    LETTER = "y"
    NAME = "name"


def approval_for(target: TargetSpec) -> Approval:
    """By what kind of target the document says it is; unsaid, anything but the demo is real."""
    if not target.kind and target.driver in OWN_TOYS:
        return Approval.NONE
    return Approval.LETTER if target.kind == "test" else Approval.NAME


def question(approval: Approval, plan: Plan) -> str:
    """What stands before the cursor."""
    if approval is Approval.LETTER:
        return f"{plan.target_id} is a test target. Go on? [y/N]: "
    return f"{plan.target_id} is real. Type its name to go on [{plan.target_id}]: "


def is_yes(approval: Approval, plan: Plan, answer: str) -> bool:
    """Whether that is the answer that was wanted; anything else is a no."""
    said = answer[:ANSWER_LENGTH_MAX].strip()
    if approval is Approval.LETTER:
        return said.lower() in ("y", "yes")
    return said == plan.target_id
