"""Who is registered, as the discovery servers say: the only witness that an instance serves."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

import aiohttp

from demo_platform.topology import InstanceSpec

_ANSWER_WITHIN_S = 0.8

_log = logging.getLogger(__name__)


async def fetch_registered(
    session: aiohttp.ClientSession, servers: Iterable[InstanceSpec]
) -> set[str]:
    """Ids of all instances that any of these discovery servers lists as up, and of the servers
    that answered.
    """
    answers = await asyncio.gather(*(_ask(session, server) for server in servers))
    return set().union(*answers)


def up_ids(document: Any) -> set[str]:
    """Ids of the entries of one discovery server's list that are up; malformed ones are not."""
    if not isinstance(document, list):
        return set()
    return {
        str(entry["id"])
        for entry in document
        if isinstance(entry, dict) and "id" in entry and str(entry.get("status")).upper() == "UP"
    }


async def _ask(session: aiohttp.ClientSession, server: InstanceSpec) -> set[str]:
    url = f"http://{server.address}:{server.port}/instances"
    try:
        async with session.get(
            url, timeout=aiohttp.ClientTimeout(total=_ANSWER_WITHIN_S)
        ) as response:
            if response.status != 200:
                return set()
            return up_ids(await response.json(content_type=None)) | {server.id}
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        # A discovery server that is cut off or not up yet is an ordinary sight here.
        _log.debug("no answer from discovery at %s: %s", url, error)
        return set()
