"""api: composes what a device asks for from the services that know it."""

import asyncio

from demo_platform.service import Body, Capacity, Dependency, Node, Request, Service


async def signin(request: Request, node: Node) -> Body:
    """A session, from auth."""
    return await node.calls.call("auth", "signin", request.body, request)


async def home(request: Request, node: Node) -> Body:
    """The home page: the member's own rows above those that everybody sees."""
    own, shared = await asyncio.gather(
        node.calls.call("recs", "rows", request.body, request),
        node.calls.call("catalog", "titles", request.body, request),
    )
    return {"own": own.get("rows"), "shared": shared.get("rows")}


async def search(request: Request, node: Node) -> Body:
    """Titles for what the member typed, or that nothing can be found just now."""
    return await node.calls.call("search", "find", request.body, request)


async def title(request: Request, node: Node) -> Body:
    """A title's page, and how far the member is in it."""
    page, bookmark = await asyncio.gather(
        node.calls.call("catalog", "title", request.body, request),
        node.calls.call("history", "bookmark", request.body, request),
    )
    return {**page, "position_s": bookmark.get("position_s")}


async def play(request: Request, node: Node) -> Body:
    """A stream, from playback, that goes on where the member stopped."""
    stream, bookmark = await asyncio.gather(
        node.calls.call("playback", "play", request.body, request),
        node.calls.call("history", "bookmark", request.body, request),
    )
    return {**stream, "position_s": bookmark.get("position_s")}


SERVICE = Service(
    name="api",
    capacity=Capacity(slots=32, work_s=0.004),
    routes={"home": home, "play": play, "search": search, "signin": signin, "title": title},
    dependencies=(
        Dependency("auth", timeout_s=0.6),
        Dependency("catalog", timeout_s=0.3),
        Dependency("history", timeout_s=0.15, is_optional=True, in_flight_max=16),
        Dependency("playback", timeout_s=0.9, in_flight_max=48),
        Dependency("recs", timeout_s=0.25, is_optional=True, in_flight_max=16),
        Dependency("search", timeout_s=0.3, is_optional=True, in_flight_max=16),
    ),
)
