"""Fallbacks: what a service answers when something it can do without does not.

Each is served from memory and calls nobody, so that it cannot fail for the same reason as the call
it stands in for, nor move the load somewhere else. The answers say that they are fallbacks: a page
of popular titles is degraded, not healthy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

Fallback = Callable[[], Mapping[str, object]]

POPULAR_TITLES = tuple(range(1, 21))


def popular_titles() -> Mapping[str, object]:
    """The home page's rows for a member of whom nothing is known."""
    return {"rows": [{"name": "popular", "titles": POPULAR_TITLES}], "fallback": True}


def control_cell() -> Mapping[str, object]:
    """The allocation of a member who takes part in no test."""
    return {"cell": "control", "fallback": True}


FALLBACKS: dict[str, Fallback] = {
    "abtest": control_cell,
    "recs": popular_titles,
}
