"""The request cache: what one request has asked a command before it does not ask again.

A cache lives as long as the request it is made for, so nothing in it grows old. Whoever asks while
the first call is still on its way waits for that; a fallback or a failure is remembered as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Any

from demo_platform.hystrix.command import Answer, Command, Notify, Run
from demo_platform.hystrix.events import Event


class _Asked:
    """A call that was made, or is on its way, and in the end its events."""

    __slots__ = ("call", "events")

    def __init__(self, call: asyncio.Task[Any]) -> None:
        self.call = call
        self.events: list[Event] = []
        call.add_done_callback(_take_note)


class RequestCache:
    """The calls of one request, by command and key."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, Hashable], _Asked] = {}

    async def execute(
        self,
        command: Command,
        key: Hashable,
        run: Run[Answer],
        fallback: Run[Answer] | None = None,
        *,
        notify: Notify | None = None,
    ) -> Answer:
        """As the command's, unless the same key has been asked before. Raises what it does.

        A caller that gives up leaves the call to the others, so it goes on to its end.
        """
        if not command.properties.cache_enabled:
            return await command.execute(run, fallback, notify=notify)
        asked = self._asked.get((command.name, key))
        is_first = asked is None
        if asked is None:
            events: list[Event] = []
            calling = command.execute(run, fallback, notify=events.extend)
            asked = self._asked[command.name, key] = _Asked(asyncio.create_task(calling))
            asked.events = events
        try:
            answer: Answer = await asyncio.shield(asked.call)
            return answer
        finally:
            from_cache = [] if is_first else [Event.RESPONSE_FROM_CACHE]
            for event in from_cache:
                command.note(event)
            if notify is not None:
                notify([*asked.events, *from_cache])


def _take_note(call: asyncio.Task[Any]) -> None:
    """Of a failure that perhaps nobody waits for any more."""
    if not call.cancelled():
        call.exception()
