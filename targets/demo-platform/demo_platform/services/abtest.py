"""abtest: which cell of a running test a member is in. Optional to everybody.

An account is allocated when it is first seen, and stays where it is. Its profiles are in the same
cell, so that a household sees one product.

Nobody waits for an allocation to be written: with others it goes to a quorum of replicas a little
later (widecolumn/behind.py). Whoever asks before that has it made again, and the number makes the
same of it. So to read from one replica is enough, too (LOCAL_ONE).
"""

from demo_platform.service import Body, CacheUse, Capacity, Node, Request, Service, ServiceFailed
from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.refusals import StoreRefused
from demo_platform.widecolumn.sample_data import member_of
from demo_platform.widecolumn.schema import Columns

TEST = "artwork"
CELLS = ("control", "bigger-artwork")


async def allocate(request: Request, node: Node) -> Body:
    """The member's cell; always the same one for the same member."""
    member = request.body.get("member")
    account = member_of(member if isinstance(member, int) else 0)

    async def load() -> Body:
        key: Columns = {"member": account, "test": TEST}
        try:
            row = await node.store.read("allocations", key, level=Consistency.LOCAL_ONE)
        except StoreRefused as refused:
            raise ServiceFailed("abtest", 502, f"no allocation: {refused}") from refused
        if row is not None:
            return {"cell": row.get("cell")}
        cell = CELLS[account % len(CELLS)]
        node.behind.put("allocations", {**key, "cell": cell})
        return {"cell": cell}

    return await node.cache.fetch(str(account), load)


SERVICE = Service(
    name="abtest",
    capacity=Capacity(slots=8, work_s=0.005),
    routes={"allocate": allocate},
    # What never changes may be kept for long.
    cache=CacheUse("allocation", ttl_s=600.0, stale_s=600.0),
    uses_store=True,
)
