"""abtest: which cell of a running test a member is in. Optional to everybody."""

from demo_platform.service import Body, Capacity, Node, Request, Service

CELLS = ("control", "bigger-artwork")


async def allocate(request: Request, node: Node) -> Body:
    """The member's cell; always the same one for the same member."""
    del node
    member = request.body.get("member")
    cell = CELLS[member % len(CELLS)] if isinstance(member, int) else CELLS[0]
    return {"cell": cell}


SERVICE = Service(
    name="abtest",
    capacity=Capacity(slots=8, work_s=0.005),
    routes={"allocate": allocate},
)
