"""auth: signs members in, with the profile that customer keeps."""

from demo_platform.service import Body, Capacity, Dependency, Node, Request, Service


async def signin(request: Request, node: Node) -> Body:
    """A session for the member."""
    profile = await node.calls.call("customer", "profile", request.body, request)
    return {"session": f"s-{request.request_id}", "plan": profile.get("plan")}


SERVICE = Service(
    name="auth",
    capacity=Capacity(slots=4, work_s=0.020),
    routes={"signin": signin},
    dependencies=(Dependency("customer", timeout_s=0.3),),
)
