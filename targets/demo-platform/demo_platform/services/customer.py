"""customer: who a member is and what the membership entitles to."""

from demo_platform.service import Body, Capacity, Node, Request, Service


async def profile(request: Request, node: Node) -> Body:
    """The member's profile, for signing in."""
    del node
    return {"member": request.body.get("member"), "plan": "standard"}


async def licence(request: Request, node: Node) -> Body:
    """Whether the member may watch the title."""
    del node
    return {"member": request.body.get("member"), "may_watch": True}


SERVICE = Service(
    name="customer",
    capacity=Capacity(slots=4, work_s=0.010),
    routes={"licence": licence, "profile": profile},
)
