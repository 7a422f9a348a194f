"""A visit, state by state: what a member asks for next, and when. Pure.

    connect → signin → home → (search) → title → play → (first segment) → heartbeat … → stop

Two steps decide whether a stream starts: signing in and playing. A page that does not come is an
error that the member sees, but play can be pressed all the same. Connecting comes with signing in:
a device that reaches no edge has failed to connect. The first segment is to be fetched between
play and the first heartbeat, and will then decide too; there is no CDN yet to fetch it from.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from demo_platform.members.intent import Intent

HEARTBEAT_S = 8.0


class Stage(StrEnum):
    """What a visit is at; its value is the edge's route, but for connecting."""

    CONNECT = "connect"
    SIGNIN = "signin"
    HOME = "home"
    SEARCH = "search"
    TITLE = "title"
    PLAY = "play"
    HEARTBEAT = "heartbeat"
    STOP = "stop"


DECIDING = frozenset({Stage.SIGNIN, Stage.PLAY})
WITHIN_S = {
    Stage.SIGNIN: 3.0,
    Stage.HOME: 1.5,
    Stage.SEARCH: 1.5,
    Stage.TITLE: 1.5,
    Stage.PLAY: 3.0,
    Stage.HEARTBEAT: 3.0,
    Stage.STOP: 3.0,
}
"""How long a member waits for each, all tries together."""


@dataclass(frozen=True, slots=True)
class Step:
    """A request that the device is to make. at_s: not before, on the visit's clock."""

    stage: Stage
    at_s: float
    body: dict[str, object]


class Visit:
    """One member's visit; `stage` is the state it is in.

    routes: what the edges know; a step that they do not know of is left out.
    """

    __slots__ = ("_began_s", "_pages", "_position_s", "_stops", "intent", "stage")

    def __init__(self, intent: Intent, routes: AbstractSet[str]) -> None:
        self.intent = intent
        self.stage = Stage.CONNECT
        self._pages = _pages(intent, routes)
        self._stops = Stage.STOP in routes
        self._began_s = self._position_s = 0.0

    @property
    def is_streaming(self) -> bool:
        """Whether the member watches: play has been answered, and the end has not."""
        return self.stage in {Stage.HEARTBEAT, Stage.STOP}

    def arrive(self, now_s: float) -> Step:
        """The first step of who comes now."""
        return self._step(Stage.SIGNIN, now_s)

    def resume(self, now_s: float, *, first_s: float) -> Step | None:
        """The next step of who is watching already; the first heartbeat is due in first_s."""
        self._began_s = now_s
        return self._watch(first_s)

    def after(self, now_s: float, *, is_ok: bool) -> Step | None:
        """The step that follows the one that has ended; None when the visit is over."""
        match self.stage:
            case Stage.STOP:
                return None
            case Stage.HEARTBEAT:
                return self._watch(self._position_s + HEARTBEAT_S)
            case stage if stage in DECIDING and not is_ok:
                return None
            case Stage.PLAY:
                self._began_s = now_s
                return self._watch(HEARTBEAT_S)
        stage, look_s = self._pages.pop()
        return self._step(stage, now_s + look_s)

    def _watch(self, position_s: float) -> Step | None:
        """The heartbeat at a position of the title, or the end if that comes before."""
        watch_s = self.intent.watch_s
        if position_s <= watch_s:
            self._position_s = position_s
            return self._step(Stage.HEARTBEAT, self._began_s + position_s, position_s)
        if self._stops:
            return self._step(Stage.STOP, self._began_s + watch_s, watch_s)
        return None

    def _step(self, stage: Stage, at_s: float, position_s: float | None = None) -> Step:
        self.stage = stage
        body: dict[str, object] = {"member": self.intent.member, "title": self.intent.title}
        if stage is Stage.SEARCH:
            body["q"] = self.intent.word
        if position_s is not None:
            body["position_s"] = int(position_s)
        return Step(stage, at_s, body)


def _pages(intent: Intent, routes: AbstractSet[str]) -> list[tuple[Stage, float]]:
    """The pages between signing in and watching, each with how long the one before is looked at.

    In reverse: the next one is the last of the list.
    """
    first_s, second_s, third_s = intent.think_s
    pages = [(Stage.HOME, 0.0)]
    if intent.word and Stage.SEARCH in routes:
        pages.append((Stage.SEARCH, first_s))
    if Stage.TITLE in routes:
        pages.append((Stage.TITLE, second_s))
    return [(Stage.PLAY, third_s), *reversed(pages)]
