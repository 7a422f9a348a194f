"""edge: where devices come in; passes requests on and says how they ended because of whom."""

from demo_platform.service import Body, Capacity, Dependency, Node, Request, Service

CAUSES: dict[str, tuple[str, ...]] = {
    "heartbeat": ("edge", "playback"),
    "home": ("abtest", "api", "catalog", "edge", "recs"),
    "play": ("abtest", "api", "catalog", "customer", "edge", "playback"),
    "signin": ("api", "auth", "customer", "edge"),
}
"""Per route, the services that a failure can be blamed on: those on its way."""


async def signin(request: Request, node: Node) -> Body:
    """Sign a member in."""
    return await node.calls.call("api", "signin", request.body, request)


async def home(request: Request, node: Node) -> Body:
    """A member's home page."""
    return await node.calls.call("api", "home", request.body, request)


async def play(request: Request, node: Node) -> Body:
    """Start a stream."""
    return await node.calls.call("api", "play", request.body, request)


async def heartbeat(request: Request, node: Node) -> Body:
    """A running stream's sign of life."""
    return await node.calls.call("playback", "heartbeat", request.body, request)


SERVICE = Service(
    name="edge",
    capacity=Capacity(slots=64, work_s=0.002, in_flight_max=256),
    routes={"heartbeat": heartbeat, "home": home, "play": play, "signin": signin},
    dependencies=(
        Dependency("api", timeout_s=0.95, in_flight_max=128),
        Dependency("playback", timeout_s=0.9, in_flight_max=128),
    ),
)
