"""Gives a request the faults that its header asks for, or a rule in force (fit.py)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from demo_platform.errors import DemoError
from demo_platform.service import COHORT_HEADER
from demo_platform.zuul.context import Refused, SessionContext
from demo_platform.zuul.fit import FIT_HEADER, parse
from demo_platform.zuul.fit_rules import faults_for, merged

if TYPE_CHECKING:
    from demo_platform.zuul.edge import Edge
    from demo_platform.zuul.filters import Apply
    from demo_platform.zuul.routes import EdgeRoute

TYPE = "inbound"
ORDER = 40


def bind(edge: Edge, route: EdgeRoute) -> Apply | None:
    """Both, either, or neither, as the properties say."""
    del route
    rules = edge.fit
    if not edge.settings.is_on("zuul.fit.header.enabled"):
        return _by_rules(edge) if rules else None

    def apply(context: SessionContext) -> None:
        header = context.headers.get(FIT_HEADER)
        if header is not None:
            try:
                context.faults = parse(header, where=FIT_HEADER, known=edge.services)
            except DemoError as error:
                # An experiment that does nothing unseen would pass for the wrong reason.
                raise Refused(400, str(error)) from error
        if rules:
            by_rules(context)

    by_rules = _by_rules(edge)
    return apply


def _by_rules(edge: Edge) -> Apply:
    rules = edge.fit

    def apply(context: SessionContext) -> None:
        cohort = context.headers.get(COHORT_HEADER, "")
        given = faults_for(rules, context.member, cohort, now_s=time.monotonic())
        if given is not None:
            context.faults = given if context.faults is None else merged(context.faults, given)

    return apply
