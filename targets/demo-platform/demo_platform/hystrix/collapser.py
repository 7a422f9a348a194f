"""The collapser: requests that come close together are made into one call of a command.

The first request waits a moment for others; a full batch does not wait. What the batch answers is
handed out in the order of the requests; what it fails with fails them all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from demo_platform.hystrix.command import BadRequest, Command, CommandFailed, Notify
from demo_platform.hystrix.events import Event

Argument = TypeVar("Argument")
Answer = TypeVar("Answer")

DELAY_MS = 10.0
BATCH_MAX = 100


class Collapser(Generic[Argument, Answer]):
    """Requests on their way into one batch.

    run: answers all arguments at once, in their order.
    notify: told the events of each batch.
    """

    def __init__(
        self,
        command: Command,
        run: Callable[[Sequence[Argument]], Awaitable[Sequence[Answer]]],
        *,
        delay_ms: float = DELAY_MS,
        batch_max: int = BATCH_MAX,
        notify: Notify | None = None,
    ) -> None:
        self._command = command
        self._run = run
        self._delay_s = delay_ms / 1000
        self._batch_max = batch_max
        self._notify = notify
        self._waiting: list[tuple[Argument, asyncio.Future[Answer]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._batches: set[asyncio.Task[Any]] = set()

    async def submit(self, argument: Argument) -> Answer:
        """The answer to one request. Raises what the command raises for its batch."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((argument, waiting))
        if len(self._waiting) >= self._batch_max:
            self._send()
        elif self._timer is None:
            self._timer = loop.call_later(self._delay_s, self._send)
        return await waiting

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # Who has given up meanwhile needs no answer.
        batch = [(argument, one) for argument, one in self._waiting if not one.done()]
        self._waiting = []
        if batch:
            sent = asyncio.create_task(self._ask(batch))
            self._batches.add(sent)
            sent.add_done_callback(self._batches.discard)

    async def _ask(self, batch: list[tuple[Argument, asyncio.Future[Answer]]]) -> None:
        events: list[Event] = []
        try:
            answers = await self._command.execute(
                lambda: self._run([argument for argument, _ in batch]), notify=events.extend
            )
            for (_, waiting), answer in zip(batch, answers, strict=True):
                if not waiting.done():
                    waiting.set_result(answer)
        except (CommandFailed, BadRequest) as error:
            _fail(batch, error)
        except BaseException as error:
            _fail(batch, error)
            raise
        finally:
            self._command.note(Event.COLLAPSED, len(batch))
            if self._notify is not None:
                self._notify([*events, Event.COLLAPSED])


def _fail(batch: list[tuple[Any, asyncio.Future[Any]]], error: BaseException) -> None:
    for _, waiting in batch:
        if not waiting.done():
            waiting.set_exception(error)
