"""abtest: which cell of a running test a member is in. Optional to everybody.

An account is allocated when it is first seen, and stays where it is. Its profiles are in the same
cell, so that a household sees one product.
"""

from demo_platform.service import Body, CacheUse, Capacity, Node, Request, Service, ServiceFailed
from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.refusals import StoreRefused
from demo_platform.widecolumn.sample_data import TEST, cell_of, member_of
from demo_platform.widecolumn.schema import Columns, Value


async def allocate(request: Request, node: Node) -> Body:
    """The member's cell; always the same one for the same member."""
    member = request.body.get("member")
    account = member_of(member if isinstance(member, int) else 0)

    async def load() -> Body:
        try:
            return {"cell": await _cell(account, node)}
        except StoreRefused as refused:
            raise ServiceFailed("abtest", 502, f"no allocation: {refused}") from refused

    return await node.cache.fetch(str(account), load)


async def _cell(account: int, node: Node) -> Value:
    """The cell that the account is in; one that is in none is put into one. Raises StoreRefused.

    To read from one replica is enough (LOCAL_ONE): a replica that has missed the allocation has it
    made again, and the number makes the same of it.
    """
    key: Columns = {"member": account, "test": TEST}
    row = await node.store.read("allocations", key, level=Consistency.LOCAL_ONE)
    if row is not None:
        return row["cell"]
    cell = cell_of(account)
    await node.store.write("allocations", {**key, "cell": cell}, level=Consistency.LOCAL_QUORUM)
    return cell


SERVICE = Service(
    name="abtest",
    capacity=Capacity(slots=8, work_s=0.005),
    routes={"allocate": allocate},
    # What never changes may be kept for long.
    cache=CacheUse("allocation", ttl_s=600.0, stale_s=600.0),
    uses_store=True,
)
