"""catalog: what there is to watch. Playback cannot start without it.

When its store cannot be asked, it says what it said before, from memory.
"""

from collections.abc import Awaitable, Callable

from demo_platform.resilience.fallback import POPULAR_TITLES
from demo_platform.service import Body, CacheUse, Capacity, Node, Request, Service, ServiceFailed
from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.refusals import StoreRefused
from demo_platform.widecolumn.sample_data import title_of
from demo_platform.widecolumn.schema import Value

NEW = range(21, 31)
"""The titles in the row of what is new; the first has the billboard above it."""

TITLES = 1000
_FIRST = ("Quiet", "Long", "Broken", "Second", "Hidden", "Last", "Bright", "Lost", "Open", "Cold")
_SECOND = ("River", "House", "Summer", "Signal", "Garden", "Road", "Winter", "City", "Sea", "Door")


async def titles(request: Request, node: Node) -> Body:
    """The rows of titles that everybody sees."""
    del request

    async def load() -> Body:
        billboard = await _row(NEW[0], node)
        return {"rows": [{"name": "new", "titles": list(NEW)}], "billboard": billboard.get("name")}

    return await _known(node, "rows", load)


async def title(request: Request, node: Node) -> Body:
    """What the player needs to know of one title."""
    title = request.body.get("title")

    async def load() -> Body:
        row = await _row(title_of(title if isinstance(title, int) else 0), node)
        return {"title": title, "runtime_s": row.get("runtime_s")}

    return await _known(node, f"title/{title}", load)


async def popular(request: Request, node: Node) -> Body:
    """What most people watch just now: counted anew for everybody who asks, which takes its time.

    Nobody asks for it usually.
    """
    del request, node
    return {"rows": [{"name": "popular", "titles": list(POPULAR_TITLES)}]}


async def index(request: Request, node: Node) -> Body:
    """Every title's name, by number, for search."""
    del request
    return await _known(node, "index", _index)


def name_of(number: int) -> str:
    """A title's name in the index.

    >>> name_of(0), name_of(999)
    ('Quiet River 1', 'Cold Door 10')
    """
    return f"{_FIRST[number // 10 % 10]} {_SECOND[number % 10]} {number // 100 + 1}"


async def _index() -> Body:
    return {"names": [name_of(number) for number in range(TITLES)]}


async def _known(node: Node, key: str, load: Callable[[], Awaitable[Body]]) -> Body:
    """What the cache or the store has, or else what this instance had last."""
    try:
        body = await node.cache.fetch(key, load)
    except ServiceFailed:
        kept = node.memory.get(key)
        if kept is None:
            raise
        return {**kept, "stale": True}
    node.memory.keep(key, body)
    return body


async def _row(title: int, node: Node) -> dict[str, Value]:
    try:
        row = await node.store.read("titles", {"title": title}, level=Consistency.LOCAL_ONE)
    except StoreRefused as refused:
        raise ServiceFailed("catalog", 502, f"no title {title}: {refused}") from refused
    return row or {}


SERVICE = Service(
    name="catalog",
    capacity=Capacity(
        slots=4, slots_without_headroom=1, work_s=0.015, work_s_by_route={"popular": 0.25}
    ),
    routes={"index": index, "popular": popular, "title": title, "titles": titles},
    cache=CacheUse("titles", ttl_s=30.0, stale_s=60.0),
    uses_store=True,
)
