"""The services of the platform: a file each, and the table of them.

Discovery and the viewers are processes too, but answer to nobody's deadline and shed nothing, so
they are not in this table.
"""

from demo_platform.service import Service
from demo_platform.services import (
    abtest,
    api,
    auth,
    catalog,
    customer,
    edge,
    history,
    license,  # noqa: A004 - the service is called so
    playback,
    recs,
    search,
    steering,
)

SERVICES: dict[str, Service] = {
    "abtest": abtest.SERVICE,
    "api": api.SERVICE,
    "auth": auth.SERVICE,
    "catalog": catalog.SERVICE,
    "customer": customer.SERVICE,
    "edge": edge.SERVICE,
    "history": history.SERVICE,
    "license": license.SERVICE,
    "playback": playback.SERVICE,
    "recs": recs.SERVICE,
    "search": search.SERVICE,
    "steering": steering.SERVICE,
}
