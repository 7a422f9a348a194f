"""playback: starts streams and takes the heartbeats of the running ones.

The one service whose capacity is tight by design. The load of a zone, at 30 starts a second over
6 zones and with sessions of 20 s on average, in slots kept busy, is

    plays       5.0 a second × 0.240 s = 1.20
    heartbeats 10.2 a second × 0.215 s = 2.20      together 3.40

| a zone has an instance with | slots | all 3 zones up | 2 zones carry 3 |
|---|---|---|---|
| headroom (default)          | 8 | 43 % | 64 %  |
| switch `no-headroom`        | 4 | 85 % | 127 % |

At 85 % the queue absorbs the bursts of random arrivals; what does not fit is tried at another
instance. At 127 % a fifth of the work is too much whatever anybody tries. Streams that run come
before streams that start: a heartbeat may wait 0.4 s, a play only 0.3 s, so that an overload costs
starts first. `tests/unit/demo_platform/test_headroom.py` plays all of this on a virtual clock.
"""

import asyncio

from demo_platform.service import Body, CacheUse, Capacity, Dependency, Node, Request, Service


async def play(request: Request, node: Node) -> Body:
    """A stream: the title, the member's licence for it, where it comes from, the test cell."""
    body = request.body
    title, licence, ranking, allocation = await asyncio.gather(
        node.calls.call("catalog", "title", body, request),
        node.calls.call("license", "issue", body, request),
        node.calls.call("steering", "rank", body, request),
        node.calls.call("abtest", "allocate", body, request),
    )
    stream = f"p-{request.request_id}"
    await node.cache.put(stream, {"member": body.get("member"), "title": body.get("title")})
    caches = ranking.get("caches")
    names = caches if isinstance(caches, list) else []
    return {
        "stream": stream,
        "runtime_s": title.get("runtime_s"),
        "may_watch": licence.get("may_watch"),
        "key": licence.get("key"),
        "urls": [f"http://{name}/{body.get('title')}" for name in names],
        "cell": allocation.get("cell"),
    }


async def heartbeat(request: Request, node: Node) -> Body:
    """Keep a running stream's session alive; its position is history's."""
    del node
    return {"position_s": request.body.get("position_s")}


SERVICE = Service(
    name="playback",
    capacity=Capacity(
        slots=8,
        slots_without_headroom=4,
        work_s=0.240,
        work_s_by_route={"heartbeat": 0.215},
        queue_wait_s=0.4,
        queue_wait_s_by_route={"play": 0.3},
    ),
    routes={"heartbeat": heartbeat, "play": play},
    dependencies=(
        Dependency("abtest", timeout_s=0.1, is_optional=True, in_flight_max=16),
        Dependency("catalog", timeout_s=0.3),
        Dependency("license", timeout_s=0.4),
        Dependency("steering", timeout_s=0.15, is_optional=True, keeps_last=True),
    ),
    cache=CacheUse("stream", ttl_s=120.0, stale_s=0.0),
)
