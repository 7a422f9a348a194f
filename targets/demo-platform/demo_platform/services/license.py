"""license: the right to decrypt a title, for members who may watch it.

It has no fallback: to give a key to somebody who may not watch is worse than not to start.
"""

import asyncio
import hashlib

from demo_platform.service import Body, CacheUse, Capacity, Dependency, Node, Request, Service, Wire


async def issue(request: Request, node: Node) -> Body:
    """The title's key for a member who is entitled to it."""
    title = request.body.get("title")

    async def load() -> Body:
        return await load_key(title)

    entitled, key = await asyncio.gather(
        node.calls.call("customer", "entitlement", request.body, request),
        node.cache.fetch(str(title), load),
    )
    may_watch = entitled.get("may_watch") is True
    return {"may_watch": may_watch, "key": key.get("key") if may_watch else None}


async def load_key(title: object) -> Body:
    """The title's key, which its number gives."""
    return {"key": hashlib.sha256(f"title {title}".encode()).hexdigest()[:32]}


SERVICE = Service(
    name="license",
    wire=Wire.GRPC,
    capacity=Capacity(slots=8, work_s=0.010),
    routes={"issue": issue},
    dependencies=(Dependency("customer", timeout_s=0.3),),
    cache=CacheUse("key", ttl_s=120.0, stale_s=120.0),
)
