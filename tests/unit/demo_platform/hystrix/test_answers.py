"""Our commands do what Hystrix did: tests/data/hystrix/README.md says how to read the answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from demo_platform.hystrix.bulkhead import Pool
from demo_platform.hystrix.collapser import Collapser
from demo_platform.hystrix.command import BadRequest, Command, CommandFailed, Notify
from demo_platform.hystrix.events import Event
from demo_platform.hystrix.frames import command_frame, pool_frame
from demo_platform.hystrix.properties import Value, check_property
from demo_platform.hystrix.request_cache import RequestCache
from demo_platform.hystrix.runtime import Runtime

Jump = Callable[[Coroutine[Any, Any, Any]], Any]

DATA = Path(__file__).parents[3] / "data" / "hystrix"
LATENCY_MS = 25

UNCOMPARED = {"currentTime"}
BY_CHANCE = {"rollingMaxConcurrentExecutionCount", "rollingMaxActiveThreads"}
"""How many short runs meet is up to a real machine: compared where all runs take long."""


class Failed(Exception):
    """What a run raises."""


class Settings:
    """Properties that a scenario sets."""

    def __init__(self) -> None:
        self.version = 0
        self._values: dict[str, Value] = {}

    def set(self, name: str, text: str) -> None:
        value: Value = json.loads(text) if text in {"true", "false"} or text.isdigit() else text
        self._values[name] = check_property(name, value, where="scenario")
        self.version += 1

    def get(self, name: str) -> Value:
        return self._values.get(name)


@dataclass
class Ending:
    """How a run or a fallback ends, and after how long."""

    answer: str
    kind: str = "ok"
    for_ms: int = 0
    emits: int = 0

    async def emit(self, emit: Callable[[str], None]) -> None:
        for _ in range(self.emits):
            emit(self.answer)
        await self()

    async def __call__(self) -> str:
        if self.for_ms:
            await asyncio.sleep(self.for_ms / 1000)
        if self.kind == "fail":
            raise Failed
        if self.kind == "bad":
            raise BadRequest
        return self.answer


@dataclass
class Player:
    """A scenario on its way; must be made inside a running loop."""

    name: str
    settings: Settings = field(default_factory=Settings)
    looks: list[Any] = field(default_factory=list)
    calls: dict[int, list[asyncio.Task[dict[str, Any]]]] = field(default_factory=dict)
    declared: dict[str, Value] = field(default_factory=dict)
    cache: RequestCache = field(default_factory=RequestCache)

    async def play(self, lines: list[str]) -> dict[str, Any]:
        steps = []
        for number, line in enumerate(lines):
            words = line.split()
            if words[0] == "set":
                self.set(words[1:])
            elif words[0] == "declare":
                self.declared["request_volume_threshold"] = int(words[1])
            else:
                steps.append((int(words[1]), number, words[2], words[3:]))
        loop = asyncio.get_running_loop()
        self.runtime = Runtime(loop, self.settings)
        self.command = self.new_command()
        began_s = loop.time()
        for at_ms, number, verb, words in steps:
            await asyncio.sleep(began_s + at_ms / 1000 - loop.time())
            match verb:
                case "set":
                    self.set(words)
                case "look":
                    self.looks.append(list(self.look()))
                case "call":
                    self.calls[number] = list(self.call(words))
                case "collapse":
                    self.calls[number] = [asyncio.create_task(self.collapse(int(words[0])))]
        ended = [
            [n, sorted([await task for task in tasks], key=json.dumps)]
            for n, tasks in self.calls.items()
        ]
        return {"scenario": self.name, "calls": ended, "looks": self.looks}

    def new_command(self) -> Command:
        self.pool = self.runtime.pool(self.name)
        return Command(
            self.name, self.name, self.runtime, failures=(Failed,), declared=self.declared
        )

    def set(self, words: list[str]) -> None:
        name = words[0].replace(".own.", f".{self.name}.")
        self.settings.set(f"hystrix.{name}", words[1])

    def look(self) -> Iterator[dict[str, Any]]:
        yield command_frame(self.command, wall_ms=0)
        if self.pool.completed:
            yield pool_frame(self.pool, now_ms=self.runtime.now_ms(), wall_ms=0)

    def call(self, words: list[str]) -> Iterator[asyncio.Task[dict[str, Any]]]:
        run, fallback, times, cancel_ms, key = Ending("ok"), None, 1, -1, ""
        current = run
        rest = iter(words)
        for word in rest:
            if word == "fallback":
                current = fallback = Ending("fallback")
            elif word == "times":
                times = int(next(rest))
            elif word == "emits":
                current.emits = int(next(rest))
            elif word == "cached":
                key = next(rest)
            elif word == "cancel":
                cancel_ms = int(next(rest))
            elif word.isdigit():
                current.for_ms = int(word)
            else:
                current.kind = word
        for _ in range(times):
            yield asyncio.create_task(self.ended(run, fallback, cancel_ms, key))

    async def ended(
        self, run: Ending, fallback: Ending | None, cancel_ms: int, key: str
    ) -> dict[str, Any]:
        events: list[Event] = []
        tell = events.extend
        if run.emits:
            calling = self.emitted(run, fallback, tell)
        elif key:
            calling = self.cache.execute(self.command, key, run, fallback, notify=tell)
        else:
            calling = self.command.execute(run, fallback, notify=tell)
        task = asyncio.create_task(calling)
        if cancel_ms >= 0:
            asyncio.get_running_loop().call_later(cancel_ms / 1000, task.cancel)
        try:
            answer = await task
        except CommandFailed as failed:
            answer = failed.failure.name
        except BadRequest:
            answer = "BAD_REQUEST_EXCEPTION"
        except asyncio.CancelledError:
            answer = "cancelled"
        return {"answer": answer, "events": [event.name for event in events]}

    async def emitted(self, run: Ending, fallback: Ending | None, tell: Notify) -> str:
        values: list[str] = []
        instead = None if fallback is None else fallback.emit
        await self.command.observe(run.emit, values.append, instead, notify=tell)
        return " ".join(values)

    async def collapse(self, requests: int) -> dict[str, Any]:
        """Ask so often at once; what became of the batch."""

        async def run(arguments: Sequence[int]) -> list[str]:
            return ["ok"] * len(arguments)

        events: list[Event] = []
        collapser = Collapser(self.command, run, notify=events.extend)
        answers = await asyncio.gather(*(collapser.submit(n) for n in range(requests)))
        await asyncio.sleep(0)
        assert answers == ["ok"] * requests
        return {"answer": "ok", "events": [event.name for event in events]}


def scenarios() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (DATA / "scenarios.txt").read_text().splitlines():
        if line.startswith("scenario "):
            current = found[line.removeprefix("scenario ")] = []
        elif line and not line.startswith("#"):
            current.append(line)
    return found


def answers() -> dict[str, Any]:
    lines = (DATA / "answers.jsonl").read_text().splitlines()
    return {answer["scenario"]: answer for answer in map(json.loads, lines)}


SCENARIOS = scenarios()
ANSWERS = answers()


def assert_agrees(ours: dict[str, Any], theirs: dict[str, Any], *, uncompared: set[str]) -> None:
    assert list(ours) == list(theirs)
    for name, value in theirs.items():
        if name.startswith("latency"):
            pairs = zip(_numbers(ours[name]), _numbers(value), strict=True)
            assert all(abs(one - other) <= LATENCY_MS for one, other in pairs), name
        elif name not in uncompared:
            assert (name, ours[name]) == (name, value)


def _numbers(value: Any) -> list[int]:
    return list(value.values()) if isinstance(value, dict) else [value]


def test_each_scenario_has_its_answer() -> None:
    assert list(SCENARIOS) == list(ANSWERS)


@pytest.mark.parametrize("name", SCENARIOS)
def test_does_what_hystrix_did(jump: Jump, name: str) -> None:
    async def scene() -> dict[str, Any]:
        return await Player(name).play(SCENARIOS[name])

    ours, theirs = jump(scene()), ANSWERS[name]
    assert ours["calls"] == theirs["calls"]
    uncompared = UNCOMPARED if name.startswith("concurrent") else UNCOMPARED | BY_CHANCE
    for look, expected in zip(ours["looks"], theirs["looks"], strict=True):
        assert [frame["type"] for frame in look] == [frame["type"] for frame in expected]
        for frame, other in zip(look, expected, strict=True):
            assert_agrees(frame, other, uncompared=uncompared)


def test_a_pool_is_made_of_its_properties(jump: Jump) -> None:
    async def scene() -> Pool:
        settings = Settings()
        settings.set("hystrix.threadpool.x.coreSize", "3")
        return Runtime(asyncio.get_running_loop(), settings).pool("x")

    assert jump(scene()).properties.core_size == 3
