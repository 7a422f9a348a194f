"""edge: where devices come in; passes requests on and says how they ended because of whom."""

import asyncio

from demo_platform.service import (
    Body,
    Capacity,
    Dependency,
    Node,
    Request,
    Service,
    ServiceFailed,
)

HEARTBEAT_S = 8
KEEP_EVERY_S = 40
"""Of a stream's heartbeats, the positions go to history that begin another forty seconds."""

LATE_AT_ONCE = 8
"""So many positions that could not be written go along with one that can."""

CAUSES: dict[str, tuple[str, ...]] = {
    "heartbeat": ("edge", "history", "playback"),
    "home": ("abtest", "api", "catalog", "edge", "history", "recs"),
    "play": (
        *("abtest", "api", "catalog", "customer", "edge", "history"),
        *("license", "playback", "steering"),
    ),
    "search": ("api", "catalog", "edge", "search"),
    "signin": ("api", "auth", "customer", "edge"),
    "stop": ("edge", "history"),
    "title": ("api", "catalog", "edge", "history"),
}
"""Per route, the services that a failure can be blamed on: those on its way."""

ORIGINS: dict[str, str] = dict.fromkeys(("home", "play", "search", "signin", "title"), "api")
"""Routes that are passed on as they are, and to whom."""


async def signin(request: Request, node: Node) -> Body:
    """Sign a member in."""
    return await node.calls.call("api", "signin", request.body, request)


async def home(request: Request, node: Node) -> Body:
    """A member's home page."""
    return await node.calls.call("api", "home", request.body, request)


async def search(request: Request, node: Node) -> Body:
    """Titles by a word."""
    return await node.calls.call("api", "search", request.body, request)


async def title(request: Request, node: Node) -> Body:
    """A title's page."""
    return await node.calls.call("api", "title", request.body, request)


async def play(request: Request, node: Node) -> Body:
    """Start a stream."""
    return await node.calls.call("api", "play", request.body, request)


async def heartbeat(request: Request, node: Node) -> Body:
    """A running stream's sign of life; once in a while where the member is in the title."""
    alive = node.calls.call("playback", "heartbeat", request.body, request)
    position_s = request.body.get("position_s")
    if not isinstance(position_s, int) or position_s % KEEP_EVERY_S >= HEARTBEAT_S:
        return await alive
    answer, _ = await asyncio.gather(alive, _noted("heartbeat", request, node))
    return answer


async def stop(request: Request, node: Node) -> Body:
    """The end of a stream, and where the member goes on next time."""
    await _noted("stop", request, node)
    return {"position_s": request.body.get("position_s")}


async def _noted(route: str, request: Request, node: Node) -> None:
    """Have history write the position; if it cannot, send it along with a later one."""
    late = node.late.take(LATE_AT_ONCE)
    body = {**request.body, "late": [write for _, write in late]} if late else request.body
    try:
        answer = await node.calls.call("history", route, body, request)
    except ServiceFailed:
        node.late.give_back(late)
        raise
    if answer.get("fallback"):
        node.late.give_back(late)
        member, number = request.body.get("member"), request.body.get("title")
        node.late.put(f"{member}/{number}", request.body)


SERVICE = Service(
    name="edge",
    capacity=Capacity(slots=64, work_s=0.002, in_flight_max=256),
    routes={
        "heartbeat": heartbeat,
        "home": home,
        "play": play,
        "search": search,
        "signin": signin,
        "stop": stop,
        "title": title,
    },
    dependencies=(
        Dependency("api", timeout_s=0.95, in_flight_max=128),
        Dependency("history", timeout_s=0.3, is_optional=True, in_flight_max=64),
        Dependency("playback", timeout_s=0.9, in_flight_max=128),
    ),
)
