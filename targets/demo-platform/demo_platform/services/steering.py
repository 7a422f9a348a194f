"""steering: which video caches a member's stream comes from, best first.

Caches stand inside the networks of internet providers and at exchanges between them. The nearest
healthy one comes first; there are always others behind it, so that a device can turn to the next
without asking again. All it knows is in memory.
"""

from demo_platform.service import Body, Capacity, Node, Request, Service

PROVIDERS = ("provider-1", "provider-2")
EXCHANGE = "exchange"


async def rank(request: Request, node: Node) -> Body:
    """Names of caches for the member, best first."""
    region = node.zone[:-1]
    own = provider_of(request.body.get("member"))
    health = await load_health(region)
    sites = (own, EXCHANGE, *(other for other in PROVIDERS if other != own))
    named = [f"{site}.{region}" for site in sites]
    healthy = [name for name in named if health.get(name, True)]
    return {"caches": healthy or named}


async def load_health(region: str) -> Body:
    """Which caches of a region have reported that they are well or not; the others are."""
    del region
    return {}


def provider_of(member: object) -> str:
    """The internet provider that a member is a customer of.

    >>> provider_of(1), provider_of(2), provider_of(None)
    ('provider-2', 'provider-1', 'provider-1')
    """
    return PROVIDERS[member % len(PROVIDERS) if isinstance(member, int) else 0]


SERVICE = Service(
    name="steering",
    capacity=Capacity(slots=8, work_s=0.005),
    routes={"rank": rank},
)
