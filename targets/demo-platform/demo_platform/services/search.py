"""search: titles by a word of their name. Without it the rows of the home page are still there.

It keeps the catalog's index in memory and asks for it anew once in a while; when the catalog does
not answer, the last index is as good.
"""

import asyncio

from demo_platform.service import Body, Capacity, Dependency, Node, Request, Service

INDEX_S = 20.0
FOUND_MAX = 20
_INDEX = "index"


async def find(request: Request, node: Node) -> Body:
    """The titles whose name has the words in `q`, by number."""
    words = str(request.body.get("q", "")).lower().split()
    names = await _names(request, node)
    found = [
        number
        for number, name in enumerate(names)
        if words and all(word in str(name).lower() for word in words)
    ]
    return {"titles": found[:FOUND_MAX]}


async def _names(request: Request, node: Node) -> list[object]:
    kept = node.memory.get(_INDEX)
    now = asyncio.get_running_loop().time()
    if kept is None or now >= float(str(kept["good_until"])):
        index = await node.calls.call("catalog", "index", {}, request)
        kept = {"names": index.get("names"), "good_until": now + INDEX_S}
        node.memory.keep(_INDEX, kept)
    names = kept["names"]
    return names if isinstance(names, list) else []


SERVICE = Service(
    name="search",
    capacity=Capacity(slots=4, work_s=0.020),
    routes={"find": find},
    dependencies=(Dependency("catalog", timeout_s=0.2, is_optional=True, keeps_last=True),),
)
