"""recs: rows of titles chosen for the member. The home page can do without."""

import asyncio

from demo_platform.service import Body, CacheUse, Capacity, Dependency, Node, Request, Service, Wire

SUGGESTED = (3, 1, 2)


async def rows(request: Request, node: Node) -> Body:
    """The member's rows, made once in a while for each member."""

    async def make() -> Body:
        return await _make(request, node)

    return await node.cache.fetch(str(request.body.get("member")), make)


async def _make(request: Request, node: Node) -> Body:
    """What the algorithm of the member's test cell makes of what the member has watched."""
    allocation, watched = await asyncio.gather(
        node.calls.call("abtest", "allocate", request.body, request),
        node.calls.call("history", "watched", request.body, request),
    )
    seen = watched.get("watched")
    titles = seen if isinstance(seen, list) else []
    going_on = [one.get("title") for one in titles if isinstance(one, dict)]
    chosen = {"name": "for you", "titles": list(SUGGESTED), "cell": allocation.get("cell")}
    return {"rows": [{"name": "continue watching", "titles": going_on}, chosen]}


SERVICE = Service(
    name="recs",
    wire=Wire.GRPC,
    capacity=Capacity(slots=4, work_s=0.040),
    routes={"rows": rows},
    dependencies=(
        Dependency("abtest", timeout_s=0.1, is_optional=True, in_flight_max=16),
        Dependency("history", timeout_s=0.1, is_optional=True, in_flight_max=16),
    ),
    cache=CacheUse("home", ttl_s=30.0, stale_s=60.0),
)
