"""Fallbacks: what a service answers when something it can do without does not.

Each is served from memory and calls nobody, so that it cannot fail for the same reason as the call
it stands in for, nor move the load somewhere else; a switch puts in one that does (ASKED_INSTEAD).
The answers say that they are fallbacks: a page of popular titles is degraded, not healthy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Answer = Mapping[str, object]
Fallback = Callable[[], Answer]

POPULAR_TITLES = tuple(range(1, 21))


def popular_titles() -> Answer:
    """The home page's rows for a member of whom nothing is known."""
    return {"rows": [{"name": "popular", "titles": POPULAR_TITLES}], "fallback": True}


def control_cell() -> Answer:
    """The allocation of a member who takes part in no test."""
    return {"cell": "control", "fallback": True}


def from_the_start() -> Answer:
    """Where to go on in a title when nobody knows how far the member was."""
    return {"position_s": 0, "fallback": True}


def nothing_watched() -> Answer:
    """The titles of a member whose past is not known."""
    return {"watched": [], "fallback": True}


def written_later() -> Answer:
    """The answer to a position that cannot be written now; the caller keeps it (LateWrites)."""
    return {"fallback": True}


def search_unavailable() -> Answer:
    """What a member finds while nothing can be found; the rows of the home page stay."""
    return {"titles": [], "unavailable": True, "fallback": True}


FALLBACKS: dict[tuple[str, str], Fallback] = {
    ("abtest", "allocate"): control_cell,
    ("history", "bookmark"): from_the_start,
    ("history", "heartbeat"): written_later,
    ("history", "stop"): written_later,
    ("history", "watched"): nothing_watched,
    ("recs", "rows"): popular_titles,
    ("search", "find"): search_unavailable,
}
"""By service and route; a dependency that keeps the last answer (keeps_last) needs none."""


@dataclass(frozen=True, slots=True)
class AskedInstead:
    """A service that is asked in place of another while a switch is on, and what comes of it."""

    switch: str
    service: str
    route: str
    made_of: Callable[[Answer], Answer]


def providers_cell(ranking: Answer) -> Answer:
    """The cell that is tried on the customers of the member's internet provider.

    >>> providers_cell({"caches": ["provider-2.us-east-1", "exchange.us-east-1"]})["cell"]
    'bigger-artwork'
    """
    caches = ranking.get("caches")
    first = str(caches[0]) if isinstance(caches, list) and caches else ""
    return {
        "cell": "bigger-artwork" if first.startswith("provider-2") else "control",
        "fallback": True,
    }


def counted_titles(answer: Answer) -> Answer:
    """What most people watch by the catalog's count, in place of the list that is in memory."""
    return {"rows": answer.get("rows"), "fallback": True}


ASKED_INSTEAD: dict[tuple[str, str], AskedInstead] = {
    ("abtest", "allocate"): AskedInstead(
        "fallback-calls-service", "steering", "rank", providers_cell
    ),
    ("recs", "rows"): AskedInstead("fallback-calls-catalog", "catalog", "popular", counted_titles),
}
"""By service and route, whom callers ask if they can."""
