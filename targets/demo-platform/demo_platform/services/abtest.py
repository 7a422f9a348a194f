"""abtest: which cell of a running test a member is in. Optional to everybody."""

from demo_platform.service import Body, CacheUse, Capacity, Node, Request, Service

CELLS = ("control", "bigger-artwork")


async def allocate(request: Request, node: Node) -> Body:
    """The member's cell; always the same one for the same member."""
    member = request.body.get("member")

    async def load() -> Body:
        return await load_allocation(member)

    return await node.cache.fetch(str(member), load)


async def load_allocation(member: object) -> Body:
    """The member's allocation, which its number gives."""
    return {"cell": CELLS[member % len(CELLS)] if isinstance(member, int) else CELLS[0]}


SERVICE = Service(
    name="abtest",
    capacity=Capacity(slots=8, work_s=0.005),
    routes={"allocate": allocate},
    cache=CacheUse("allocation", ttl_s=60.0, stale_s=60.0),
)
