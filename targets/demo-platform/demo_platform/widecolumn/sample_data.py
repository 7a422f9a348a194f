"""What is in every node from the start: accounts and titles, the same for the same seed. Pure.

They are written as of the first microsecond of the epoch, so that whatever is written later wins,
and so that a node that joins has no need to be told of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from demo_platform.widecolumn.cells import Row, insertion
from demo_platform.widecolumn.schema import TABLES, Value

SEEDED_AT_US = 1
MEMBERS = 1000
TITLES = 1000

_PLANS = ("basic", "standard", "standard", "premium")
_COUNTRIES = ("BR", "DE", "FR", "GB", "IN", "JP", "MX", "US", "US", "US")
_FIRST = ("Broken", "Distant", "Golden", "Hidden", "Last", "Northern", "Quiet", "Second")
_SECOND = ("Bridge", "Harbour", "Letter", "Mountain", "River", "Signal", "Summer", "Zone")


def member_of(number: int) -> int:
    """The account that any member number belongs to; accounts have several profiles."""
    return number % MEMBERS


def title_of(number: int) -> int:
    """The title that any number stands for."""
    return number % TITLES


def sample_rows(seed: int) -> Iterator[tuple[tuple[str, bytes, bytes], Row]]:
    """Every row there is from the start, with its table and key."""
    rng = random.Random(f"{seed}/store")  # noqa: S311 - invents names, keeps no secret
    for member in range(MEMBERS):
        plan, country = rng.choice(_PLANS), rng.choice(_COUNTRIES)
        yield _row("members", {"member": member, "plan": plan, "country": country})
    for title in range(TITLES):
        name = f"{rng.choice(_FIRST)} {rng.choice(_SECOND)}"
        runtime_s = rng.randrange(20, 150) * 60
        yield _row("titles", {"title": title, "name": name, "runtime_s": runtime_s})
        key_id, secret = (f"{rng.getrandbits(64):016x}" for _ in range(2))
        yield _row("drm_keys", {"title": title, "key_id": key_id, "secret": secret})


def _row(table: str, columns: dict[str, Value]) -> tuple[tuple[str, bytes, bytes], Row]:
    partition, clustering, values = TABLES[table].split(columns)
    return (table, partition, clustering), insertion(values, SEEDED_AT_US)
