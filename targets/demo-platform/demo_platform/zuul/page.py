"""`/zuul`: what an edge runs and knows, as JSON."""

from __future__ import annotations

import time

import msgspec

from demo_platform.zuul.context import SessionContext
from demo_platform.zuul.edge import Edge

PAGE_PATH = "/zuul"


def page(edge: Edge) -> bytes:
    """Filters in force, what failed to load or to run, origins, rules, and the last failures."""
    now_s = time.monotonic()
    document = {
        "instance": edge.node.id,
        "filters": [
            {
                "name": one.name,
                "type": one.phase.value,
                "order": one.order,
                "source": one.source or "built in",
            }
            for one in sorted(edge.folder.filters(), key=lambda one: (one.phase, one.order))
        ],
        "folder": str(edge.folder.path),
        "loads": edge.folder.loads,
        "not_loaded": [problem.as_dict() for problem in edge.folder.problems.values()],
        "failing": [
            {"filter": name, "where": where, "what": what}
            for name, (where, what, _) in edge.errors.items()
        ],
        "chains": {
            path: [step.name for step in lane.chain.forward] for path, lane in edge.lanes().items()
        },
        "origins": {
            name: {"in_flight": origin.in_flight, "limit": round(origin.limit, 1)}
            for name, origin in edge.origins.items()
        },
        "rules": [
            {"name": rule.name, "host": rule.host, "path": rule.path, "vip": rule.vip}
            for rule in edge.rules
        ],
        "fit": [
            {"token": one.token, "faults": one.faults.text, "left_s": one.until_s - now_s}
            for one in edge.fit
            if one.until_s > now_s
        ],
        "in_flight": edge.in_flight,
        "concurrency_max": edge.concurrency_max,
        "last_failures": [_failure(context) for context in edge.passports],
    }
    return msgspec.json.encode(document)


def _failure(context: SessionContext) -> dict[str, object]:
    return {
        "request_id": context.request_id,
        "route": context.route,
        "status": context.answer.status if context.answer else 0,
        "filter": context.failed_filter,
        "why": str(context.error or ""),
        "took_us": context.timings_us(),
    }
