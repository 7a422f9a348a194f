"""What services keep in the wide-column store: a function for each thing that is read or written.

What cannot be had is a failure of the service that asks; what is not there is an answer like any
other. Positions and visits are read and written at LOCAL_QUORUM, so that who has stopped in one
zone goes on in another from there; what hardly ever changes is read at LOCAL_ONE.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Mapping
from typing import TypeVar

from demo_platform.service import Body, Node, ServiceFailed
from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.refusals import StoreRefused
from demo_platform.widecolumn.sample_data import member_of, title_of
from demo_platform.widecolumn.schema import Value

WATCHED_MAX = 10
BOOKMARKS_MAX = 100
CELLS = ("control", "bigger-artwork")
TEST = "artwork"

T = TypeVar("T")


async def load_profile(node: Node, member: object) -> Body:
    """The member's profile; without a plan where there is no such account."""
    key = {"member": member_of(_number(member))}
    row = await _row("customer", node, "members", key)
    return {"member": member, "plan": row.get("plan"), "country": row.get("country")}


async def load_title(node: Node, title: object) -> Body:
    """What there is to know of a title."""
    row = await _row("catalog", node, "titles", {"title": title_of(_number(title))})
    return {"title": title, "name": row.get("name"), "runtime_s": row.get("runtime_s")}


async def load_key(node: Node, title: object) -> Body:
    """The key that a title is decrypted with."""
    row = await _row("license", node, "drm_keys", {"title": title_of(_number(title))})
    return {"key": row.get("secret")}


async def load_allocation(node: Node, member: object) -> Body:
    """The member's cell; one that has none yet is given one, for good."""
    key: dict[str, Value] = {"member": _number(member), "test": TEST}
    row = await _row("abtest", node, "allocations", key)
    if "cell" in row:
        return {"cell": row["cell"]}
    cell = CELLS[_number(member) % len(CELLS)]
    await _asked("abtest", node.store.write("allocations", {**key, "cell": cell}))
    return {"cell": cell}


async def load_watched(node: Node, member: object) -> Body:
    """The member's last titles and how far they were watched, newest first."""
    partition = {"member": _number(member)}
    rows = await _asked(
        "history", node.store.read_range("bookmarks", partition, limit=BOOKMARKS_MAX)
    )
    rows.sort(key=lambda row: -_number(row.get("at_ms")))
    return {
        "watched": [
            {"title": row["title"], "position_s": row.get("position_s", 0)}
            for row in rows[:WATCHED_MAX]
        ]
    }


async def keep_visit(node: Node, visit: Body, *, now_s: float | None = None) -> None:
    """Note that a member has stopped watching a title, and where; good for both tables."""
    at_s = time.time() if now_s is None else now_s
    row: dict[str, Value] = {
        "member": _number(visit.get("member")),
        "title": _number(visit.get("title")),
        "position_s": _number(visit.get("position_s")),
        "at_ms": int(at_s * 1000),
    }
    month = time.strftime("%Y-%m", time.gmtime(at_s))
    await _asked("history", node.store.write("bookmarks", row))
    await _asked("history", node.store.write("viewing_history", {**row, "month": month}))


async def _row(service: str, node: Node, table: str, key: Mapping[str, Value]) -> dict[str, Value]:
    read = node.store.read(table, key, level=Consistency.LOCAL_ONE)
    return await _asked(service, read) or {}


async def _asked(service: str, request: Awaitable[T]) -> T:
    try:
        return await request
    except StoreRefused as refused:
        raise ServiceFailed(service, 502, f"the wide-column store: {refused}") from refused


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
