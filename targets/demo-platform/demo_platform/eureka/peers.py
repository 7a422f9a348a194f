"""The other servers of the region: copies one at the start, and tells all what happened here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import msgspec

from demo_platform.eureka.listing import BASE_PATH, JSON_HEADERS
from demo_platform.eureka.replication import (
    ANSWERS,
    BATCH_PATH,
    REPLICATION_HEADER,
    Answer,
    Batch,
    Event,
)
from demo_platform.eureka.shapes import BadInstance, Instance, checked
from demo_platform.transport import Ending, Reply
from demo_platform.wires.http_client import HttpClient

PEER_TIMEOUT_S = 0.4

_HEADERS = {**JSON_HEADERS, REPLICATION_HEADER: "true"}
_log = logging.getLogger(__name__)

Place = tuple[str, int]
"""Address and port."""


class Peers:
    """The peers by their places."""

    def __init__(self, http: HttpClient, places: Sequence[Place]) -> None:
        self._http = http
        self.places = tuple(places)

    async def copy(self) -> list[Instance]:
        """Everybody whom the first peer that answers knows; nobody when none answers."""
        for place in self.places:
            reply = await self._ask("GET", place, "apps")
            if not _is_good(reply):
                continue
            try:
                known = msgspec.json.decode(reply.body, type=_Full, strict=False)
                return known.instances()
            except (msgspec.MsgspecError, BadInstance) as error:
                _log.debug("no copy from %s:%d: %s", *place, error)
        return []

    async def tell(self, place: Place, events: Sequence[Event]) -> list[Answer]:
        """Send events to a peer; what it says to each, or nothing when it is away.

        What a peer missed is made up for by the renewals that follow.
        """
        body = msgspec.json.encode(Batch(list(events)))
        reply = await self._ask("POST", place, BATCH_PATH, body)
        if not _is_good(reply):
            return []
        try:
            return ANSWERS.decode(reply.body).answers
        except msgspec.MsgspecError as error:
            _log.debug("peer %s:%d was not told: %s", *place, error)
            return []

    async def _ask(self, method: str, place: Place, path: str, body: bytes = b"") -> Reply:
        target = f"{BASE_PATH}/{path}"
        reply = await self._http.request(
            method, place, target, body=body, headers=_HEADERS, timeout_s=PEER_TIMEOUT_S
        )
        if not _is_good(reply):
            _log.debug("peer %s:%d: %s %d", *place, reply.ending.value, reply.status)
        return reply

    async def tell_all(self, events: Sequence[Event]) -> dict[Place, list[Answer]]:
        """Send events to every peer at once."""
        answers = await asyncio.gather(*(self.tell(place, events) for place in self.places))
        return dict(zip(self.places, answers, strict=True))


class _Application(msgspec.Struct, frozen=True):
    name: str
    found: list[Instance] = msgspec.field(name="instance", default=[])


class _Applications(msgspec.Struct, frozen=True):
    found: list[_Application] = msgspec.field(name="application", default=[])


class _Full(msgspec.Struct, frozen=True):
    applications: _Applications

    def instances(self) -> list[Instance]:
        """Everybody. Raises BadInstance when one lacks what a registration must have."""
        return [
            checked(one, application.name)
            for application in self.applications.found
            for one in application.found
        ]


def _is_good(reply: Reply) -> bool:
    return reply.ending is Ending.ANSWERED
