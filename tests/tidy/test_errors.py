"""Nothing is swallowed: catching everything is for the boundaries, which are named here."""

from __future__ import annotations

import ast

BOUNDARIES = {
    "chaosctl/cli.py": "turns a bug of ours into one line and exit code 70",
    "chaosctl/engine/undo.py": "must go on to the next undo",
    "chaosctl/drivers/activities/runner.py": "a stranger's function fails; its asker is told",
    "targets/demo-platform/demo_platform/wires/http_server.py": "one request fails; others go on",
    "targets/demo-platform/demo_platform/zuul/chain.py": "a filter is anybody's; its request fails",
    "targets/demo-platform/demo_platform/zuul/filters.py": "a filter's file is; it is not loaded",
    "chaosctl/context.py": "carries what a thread raised to the caller, who decides",
}
EVERYTHING = {"Exception", "BaseException"}


def caught(handler: ast.ExceptHandler) -> set[str]:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {k.id if isinstance(k, ast.Name) else "Exception" if k is None else "" for k in kinds}


def passes_on(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_everything_is_caught_at_boundaries_only(product, report):
    report(
        f"{s.path}:{node.lineno}: 'except Exception' stands at the boundaries only"
        for s in product
        if str(s.path) not in BOUNDARIES
        for node in ast.walk(s.tree)
        if isinstance(node, ast.ExceptHandler) and caught(node) & EVERYTHING
        if not passes_on(node)
    )
