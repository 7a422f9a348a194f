"""One HTTP try: a POST to an instance, and how it ended in one of a few words.

All of a process' calls share one pool of connections, and nothing above this file knows aiohttp's
many exceptions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import aiohttp

from demo_platform.service import CAUSE_HEADER

CONNECT_TIMEOUT_S = 0.3
KEEPALIVE_S = 30.0


class Ending(Enum):
    """How a try ended."""

    ANSWERED = "answered"
    SHED = "shed"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a try. cause: the service that the answer blames, if it blames one."""

    ending: Ending
    body: bytes = b""
    cause: str = ""


_TIMED_OUT = Reply(Ending.TIMED_OUT)
_UNREACHABLE = Reply(Ending.UNREACHABLE)


def new_session() -> aiohttp.ClientSession:
    """The process' pool of connections; balancing is ours, so it has no limit of its own."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S, use_dns_cache=False)
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    )


async def post(
    session: aiohttp.ClientSession,
    url: str,
    *,
    body: bytes,
    headers: dict[str, str],
    timeout_s: float,
) -> Reply:
    """Send a request and read its answer within `timeout_s` seconds."""
    timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(CONNECT_TIMEOUT_S, timeout_s))
    try:
        async with session.post(url, data=body, headers=headers, timeout=timeout) as response:
            answer = await response.read()
            if response.status < 500:
                return Reply(Ending.ANSWERED, answer)
            cause = response.headers.get(CAUSE_HEADER, "")
            return Reply(Ending.SHED if response.status == 503 else Ending.FAILED, answer, cause)
    except aiohttp.ConnectionTimeoutError:
        return _UNREACHABLE
    except TimeoutError:
        return _TIMED_OUT
    except (aiohttp.ClientError, OSError):
        # Refused, reset, or closed before the answer: nobody is there, or not any more.
        return _UNREACHABLE
