"""recs: rows of titles chosen for the member. The home page can do without."""

from demo_platform.service import Body, Capacity, Dependency, Node, Request, Service


async def rows(request: Request, node: Node) -> Body:
    """The member's rows, made by the algorithm of the test cell the member is in."""
    allocation = await node.calls.call("abtest", "allocate", request.body, request)
    return {"rows": [{"name": "for you", "titles": [3, 1, 2], "cell": allocation.get("cell")}]}


SERVICE = Service(
    name="recs",
    capacity=Capacity(slots=4, work_s=0.040),
    routes={"rows": rows},
    dependencies=(Dependency("abtest", timeout_s=0.1, is_optional=True, in_flight_max=16),),
)
