"""Who is registered, as the discovery servers say: the only witness that an instance serves.

The supervisor reads their lists like any client, and takes one thing off them: whoever's address
is about to be given to another.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

import aiohttp

from demo_platform.eureka.listing import BASE_PATH, JSON_HEADERS
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
    """Ids of the instances of one server's list that are up; malformed entries are not."""
    if not isinstance(document, dict) or not isinstance(document.get("applications"), dict):
        return set()
    applications = document["applications"].get("application")
    return {
        str(entry["instanceId"])
        for application in (applications if isinstance(applications, list) else ())
        if isinstance(application, dict) and isinstance(application.get("instance"), list)
        for entry in application["instance"]
        if isinstance(entry, dict) and "instanceId" in entry
        if str(entry.get("status")).upper() == "UP"
    }


async def deregister(
    session: aiohttp.ClientSession, servers: Iterable[InstanceSpec], gone: InstanceSpec
) -> bool:
    """Have an instance that is gone for good taken off the lists; False when none had it.

    Servers that preserve themselves would list it for ever, with an address that the next instance
    may be given.
    """
    answers = await asyncio.gather(*(_cancel(session, server, gone) for server in servers))
    return any(answers)


async def set_status(
    session: aiohttp.ClientSession,
    servers: Iterable[InstanceSpec],
    of: InstanceSpec,
    *,
    is_in_service: bool,
) -> bool:
    """Override an instance's status with OUT_OF_SERVICE, or take that override back; False when
    no server did. The servers tell each other. Who is not listed has no override to take back.
    """
    is_unlisted = False
    for server in servers:
        path = f"{BASE_PATH}/apps/{of.service.upper()}/{of.id}/status"
        url = f"http://{server.address}:{server.port}{path}"
        method = "DELETE" if is_in_service else "PUT"
        value = "UP" if is_in_service else "OUT_OF_SERVICE"
        try:
            async with session.request(
                method, url, params={"value": value}, timeout=_timeout()
            ) as response:
                if response.status == 200:
                    return True
                is_unlisted = is_unlisted or response.status == 404
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            _log.debug("no answer from discovery at %s: %s", url, error)
    return is_in_service and is_unlisted


async def _cancel(session: aiohttp.ClientSession, server: InstanceSpec, gone: InstanceSpec) -> bool:
    url = f"http://{server.address}:{server.port}{BASE_PATH}/apps/{gone.service.upper()}/{gone.id}"
    try:
        async with session.delete(url, timeout=_timeout()) as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        _log.debug("no answer from discovery at %s: %s", url, error)
        return False


async def _ask(session: aiohttp.ClientSession, server: InstanceSpec) -> set[str]:
    url = f"http://{server.address}:{server.port}{BASE_PATH}/apps"
    try:
        async with session.get(url, headers=JSON_HEADERS, timeout=_timeout()) as response:
            if response.status != 200:
                return set()
            return up_ids(await response.json(content_type=None)) | {server.id}
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        # A discovery server that is cut off or not up yet is an ordinary sight here.
        _log.debug("no answer from discovery at %s: %s", url, error)
        return set()


def _timeout() -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=_ANSWER_WITHIN_S)
