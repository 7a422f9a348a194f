"""Where in a document its checks stand, for whoever wants to point at one."""

from __future__ import annotations

from chaosctl.experiment.nodes import Mapping, Scalar, Sequence, Text, Unreadable, compose


def check_places(text: str) -> dict[str, tuple[int, int]]:
    """Line and column, from 1, of each check by its name; empty for what cannot be read.

    >>> check_places("hypothesis:\\n  - name: a b\\n    query: x\\n")
    {'a b': (2, 5)}
    """
    try:
        root, _ = compose(Text.of("", text), text)
    except Unreadable:
        return {}
    checks = root.get("hypothesis") if isinstance(root, Mapping) else None
    found: dict[str, tuple[int, int]] = {}
    for check in checks.items if isinstance(checks, Sequence) else ():
        name = check.get("name") if isinstance(check, Mapping) else None
        if isinstance(name, Scalar):
            found.setdefault(name.text, (check.place.line, check.place.column))
    return found
