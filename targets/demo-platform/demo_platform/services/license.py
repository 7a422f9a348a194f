"""license: the right to decrypt a title, for members who may watch it.

It has no fallback: to give a key to somebody who may not watch is worse than not to start, and a
key that is made up decrypts nothing.
"""

import asyncio

from demo_platform.service import (
    Body,
    CacheUse,
    Capacity,
    Dependency,
    Node,
    Request,
    Service,
    ServiceFailed,
    Wire,
)
from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.refusals import StoreRefused
from demo_platform.widecolumn.sample_data import title_of


async def issue(request: Request, node: Node) -> Body:
    """The title's key for a member who is entitled to it."""
    entitled, key = await asyncio.gather(
        node.calls.call("customer", "entitlement", request.body, request),
        _key(request.body.get("title"), node),
    )
    may_watch = entitled.get("may_watch") is True
    return {"may_watch": may_watch, "key": key.get("key") if may_watch else None}


async def _key(title: object, node: Node) -> Body:
    """The title's key, from the cache or the store.

    Keys are there before anybody can ask for them and never change: any replica knows them, and one
    that is left is enough (LOCAL_ONE).
    """
    number = title_of(title if isinstance(title, int) else 0)

    async def load() -> Body:
        try:
            row = await node.store.read("drm_keys", {"title": number}, level=Consistency.LOCAL_ONE)
        except StoreRefused as refused:
            raise ServiceFailed("license", 502, f"no key: {refused}") from refused
        if row is None:
            raise ServiceFailed("license", 502, f"title {number} has no key")
        return {"key": row.get("secret")}

    return await node.cache.fetch(str(number), load)


SERVICE = Service(
    name="license",
    wire=Wire.GRPC,
    capacity=Capacity(slots=8, work_s=0.010),
    routes={"issue": issue},
    dependencies=(Dependency("customer", timeout_s=0.3),),
    cache=CacheUse("key", ttl_s=120.0, stale_s=120.0),
    uses_store=True,
)
