"""customer: who a member is and what the membership entitles to.

A profile that has expired is answered, marked as stale, until there is a new one; the cache does
that.
"""

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
from demo_platform.widecolumn.sample_data import member_of


async def profile(request: Request, node: Node) -> Body:
    """The member's profile, for signing in."""
    return await _profile(request.body.get("member"), node)


async def entitlement(request: Request, node: Node) -> Body:
    """Whether the member may watch the title: whoever has a plan may."""
    kept = await _profile(request.body.get("member"), node)
    return {"member": kept.get("member"), "may_watch": kept.get("plan") is not None}


async def _profile(member: object, node: Node) -> Body:
    async def load() -> Body:
        account = member_of(member if isinstance(member, int) else 0)
        try:
            row = await node.store.read("members", {"member": account}, level=Consistency.LOCAL_ONE)
        except StoreRefused as refused:
            raise ServiceFailed("customer", 502, f"no profile: {refused}") from refused
        return {"member": member, "plan": (row or {}).get("plan")}

    return await node.cache.fetch(str(member), load)


SERVICE = Service(
    name="customer",
    wire=Wire.GRPC,
    capacity=Capacity(slots=4, work_s=0.010),
    routes={"entitlement": entitlement, "profile": profile},
    cache=CacheUse("profile", ttl_s=60.0, stale_s=60.0),
    uses_store=True,
)
