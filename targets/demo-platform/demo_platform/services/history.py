"""history: what members have watched, and how far. Nobody fails for lack of it.

Positions come from the heartbeats of running streams, and when a stream stops. A member's last
titles are kept together, as one row of the store and under one key of the cache, so that one read
answers both questions that are asked: how far in this title, and what lately. And a member who has
watched for years takes no more room than others: a node's file is bounded.

A position is in the cache at once, for everybody who asks. Nobody waits for the store to have it:
what has come in four seconds is written to a quorum together (widecolumn/behind.py), and while the
store refuses it waits. So what is lost is the last four seconds of an instance that is killed, if
the caches are lost, too, before the member is heard of again.

What the cache has lost is read from one replica (LOCAL_ONE), at half of what a quorum costs. One
that was away may not have been told of the last position yet: the member goes on a little earlier.
"""

import msgspec

from demo_platform.service import (
    Body,
    CacheUse,
    Capacity,
    Node,
    Request,
    Service,
    ServiceFailed,
    Wire,
)
from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.refusals import StoreRefused

WATCHED_MAX = 10
NUMBER_MAX = 2**53

Place = tuple[int, int]
"""A title and how many seconds into it."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[Place]).decode


async def heartbeat(request: Request, node: Node) -> Body:
    """Note where a member is; `late` holds positions that could not be written earlier."""
    await _keep(request.body, node)
    await _keep_late(request.body.get("late"), node)
    return {}


async def stop(request: Request, node: Node) -> Body:
    """Note where a member has stopped."""
    await _keep(request.body, node)
    await _keep_late(request.body.get("late"), node)
    return {}


async def bookmark(request: Request, node: Node) -> Body:
    """Where the member goes on in a title."""
    title = request.body.get("title")
    for watched in await _watched(_number(request.body.get("member")), node):
        if watched.get("title") == title:
            return {"position_s": watched.get("position_s")}
    return {"position_s": 0}


async def watched(request: Request, node: Node) -> Body:
    """The member's last titles, newest first."""
    return {"watched": await _watched(_number(request.body.get("member")), node)}


async def _keep_late(late: object, node: Node) -> None:
    for write in late if isinstance(late, list) else ():
        if isinstance(write, dict):
            await _keep(write, node)


async def _keep(write: Body, node: Node) -> None:
    """Put a title at the head of its member's."""
    member, title = _number(write.get("member")), _number(write.get("title"))
    others = [one for one in await _watched(member, node) if one.get("title") != title]
    first = {"title": title, "position_s": _number(write.get("position_s"))}
    titles = [first, *others[: WATCHED_MAX - 1]]
    places = _encode([(one["title"], one["position_s"]) for one in titles]).decode()
    await node.cache.put(str(member), {"watched": titles})
    node.behind.put("bookmarks", {"member": member, "watched": places})


async def _watched(member: int, node: Node) -> list[Body]:
    async def load() -> Body:
        try:
            row = await node.store.read(
                "bookmarks", {"member": member}, level=Consistency.LOCAL_ONE
            )
        except StoreRefused as refused:
            raise ServiceFailed("history", 502, f"nothing known: {refused}") from refused
        places = _decode(str(row["watched"])) if row else []
        return {"watched": [{"title": title, "position_s": at_s} for title, at_s in places]}

    kept = (await node.cache.fetch(str(member), load)).get("watched")
    return [one for one in kept if isinstance(one, dict)] if isinstance(kept, list) else []


def _number(value: object) -> int:
    """What a request has where a number should be; 0 stands for anything else."""
    return value if isinstance(value, int) and 0 <= value <= NUMBER_MAX else 0


SERVICE = Service(
    name="history",
    wire=Wire.RSOCKET,
    one_way=frozenset({"heartbeat", "stop"}),
    streamed=frozenset({"watched"}),
    capacity=Capacity(slots=8, work_s=0.005),
    routes={"bookmark": bookmark, "heartbeat": heartbeat, "stop": stop, "watched": watched},
    cache=CacheUse("bookmark", ttl_s=300.0, stale_s=300.0),
    uses_store=True,
)
