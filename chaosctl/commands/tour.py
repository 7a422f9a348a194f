"""`chaosctl demo` alone: a guided tour, through one lesson that fails and the same one mended."""

from __future__ import annotations

import signal
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaosctl.commands.run import Screen
    from chaosctl.context import Context
    from chaosctl.engine.result import RunResult
    from chaosctl.experiment.load import Document

LESSON = "optional-dependency"
WIDTH = 88
SIGNAL_EXIT = 128


_AFTER = (
    "`chaosctl demo up` starts the platform to stay; `chaosctl dashboard` watches it, and "
    "`chaosctl run zone-outage` takes a zone from it."
)


def tour(name: str, *, pauses: bool, plain: bool) -> int:
    """Lead through a lesson on the demo platform, and stop it again if it was not up before.

    pauses: wait for the enter key between the parts, if somebody is there to press it. The exit
    code is 0 if both experiments said what the lesson teaches, else what the one said that did not.
    """
    from chaosctl.commands.run import choose_screen, take_back_leftovers
    from chaosctl.context import Context
    from chaosctl.experiment.lessons import lesson
    from chaosctl.judge.verdict import Verdict

    taught, context = lesson(name), Context()
    guide = _Guide(context, pauses=pauses)
    take_back_leftovers(context)
    with _platform(context, guide):
        parts = ((taught.flawed, Verdict.FAILED), (taught.fixed, Verdict.PASSED))
        for number, (document, expected) in enumerate(parts, 1):
            guide.introduces(number, document)
            screen = choose_screen(context, plain=plain, quiet=False, as_json=False)
            result = _run(document, context, screen)
            if result.verdict is not expected:
                guide.says(
                    f"That was to say {expected}, and says {result.verdict}: this machine may be "
                    "too busy for it. Nothing was left behind; try again when it is quieter."
                )
                return result.exit_code or 4
            guide.explains(number, result)
    guide.says(f"`chaosctl list lessons` has them all. {_AFTER}")
    return 0


@contextmanager
def _platform(context: Context, guide: _Guide) -> Iterator[None]:
    """The platform is up meanwhile. It is stopped at the end, unless it was up before."""
    from chaosctl import demo
    from chaosctl.commands.demo import say
    from chaosctl.context import own_runtime_dir

    paths = demo.demo_paths(own_runtime_dir(context))
    if demo.is_up(paths):
        guide.says("The demo platform is up already: it is used, and left as it is.")
        yield
        return
    guide.says(
        "A small Netflix starts on this machine: services in two regions of three zones, and "
        "members who sign in, browse and press play. No Docker, no root; it ends with the tour."
    )
    with _ended_by_signals():
        try:
            demo.start(paths, demo.DemoOptions(), say)
            yield
        finally:
            demo.stop(paths)
            guide.says("The platform is stopped; nothing is left of it.")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Have the signals that end a program unwind this one, so that what it started is stopped."""

    def leave(number: int, frame: FrameType | None) -> None:
        del frame
        raise SystemExit(SIGNAL_EXIT + number)

    ending = (signal.SIGTERM, signal.SIGHUP)
    before = {
        number: signal.signal(number, leave)
        for number in ending
        if signal.getsignal(number) is signal.SIG_DFL
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(document: Document, context: Context, screen: Screen) -> RunResult:
    from chaosctl.commands.run import run_one, tell
    from chaosctl.experiment.load import load_found

    seed = context.new_seed()
    result = run_one(load_found(document), context, screen, seed=seed, store="", yes=False)
    tell(result, context, as_json=False)
    return result


class _Guide:
    """Who tells the story, on standard error, and waits for the enter key."""

    def __init__(self, context: Context, *, pauses: bool) -> None:
        is_there = context.stdin.isatty() and context.stderr.isatty()
        self._context = context
        self._waits = pauses and is_there

    def says(self, text: str) -> None:
        """A paragraph."""
        filled = textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
        print(f"\n{filled}", file=self._context.stderr, flush=True)

    def introduces(self, number: int, document: Document) -> None:
        """What is about to be done, in the words of the experiment itself."""
        from chaosctl.experiment.lessons import story

        self.says(f"Part {number} of 2: chaosctl run {document.name}")
        for paragraph in story(document):
            self.says(paragraph)
        if self._waits:
            print("\nPress enter to begin.", end="", file=self._context.stderr, flush=True)
            self._context.stdin.readline()

    def explains(self, number: int, result: RunResult) -> None:
        """What was seen, and where to look closer."""
        if number == 1:
            reasons = [line for lines in result.detail["because"].values() for line in lines]
            because = f" What stands out: {reasons[0]}." if reasons else ""
            self.says(f"A weakness was found, as it should be.{because} Now with that mended.")
        else:
            self.says("The same fault, and nobody noticed: that is what a passing run proves.")
