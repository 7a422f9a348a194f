"""catalog: what there is to watch. Playback cannot start without it."""

from demo_platform.service import Body, Capacity, Node, Request, Service


async def titles(request: Request, node: Node) -> Body:
    """The rows of titles that everybody sees."""
    del request, node
    return {"rows": [{"name": "new", "titles": list(range(21, 31))}]}


async def title(request: Request, node: Node) -> Body:
    """What the player needs to know of one title."""
    del node
    return {"title": request.body.get("title"), "runtime_s": 5400}


SERVICE = Service(
    name="catalog",
    capacity=Capacity(slots=4, work_s=0.015),
    routes={"title": title, "titles": titles},
)
