"""history: what members have watched, and how far. Nobody fails for lack of it.

Positions come from the heartbeats of running streams, and when a stream stops. A member's last
titles are kept together under one key, so that one read answers both questions that are asked: how
far in this title, and what lately.
"""

from demo_platform.service import Body, CacheUse, Capacity, Node, Request, Service, Wire

WATCHED_MAX = 10


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
    for watched in await _watched(request.body.get("member"), node):
        if watched.get("title") == title:
            return {"position_s": watched.get("position_s")}
    return {"position_s": 0}


async def watched(request: Request, node: Node) -> Body:
    """The member's last titles, newest first."""
    return {"watched": await _watched(request.body.get("member"), node)}


async def load_watched(member: object) -> Body:
    """Nothing is kept behind the cache: a member it has forgotten has watched nothing."""
    del member
    return {"watched": []}


async def _keep_late(late: object, node: Node) -> None:
    for write in late if isinstance(late, list) else ():
        if isinstance(write, dict):
            await _keep(write, node)


async def _keep(write: Body, node: Node) -> None:
    """Put a title at the head of its member's."""
    member, title = write.get("member"), write.get("title")
    others = [one for one in await _watched(member, node) if one.get("title") != title]
    first = {"title": title, "position_s": write.get("position_s")}
    await node.cache.put(str(member), {"watched": [first, *others[: WATCHED_MAX - 1]]})


async def _watched(member: object, node: Node) -> list[Body]:
    async def load() -> Body:
        return await load_watched(member)

    kept = (await node.cache.fetch(str(member), load)).get("watched")
    return [one for one in kept if isinstance(one, dict)] if isinstance(kept, list) else []


SERVICE = Service(
    name="history",
    wire=Wire.RSOCKET,
    one_way=frozenset({"heartbeat", "stop"}),
    streamed=frozenset({"watched"}),
    capacity=Capacity(slots=8, work_s=0.005),
    routes={"bookmark": bookmark, "heartbeat": heartbeat, "stop": stop, "watched": watched},
    cache=CacheUse("bookmark", ttl_s=300.0, stale_s=300.0),
)
