"""A small platform under load, for tests that break something of it and look who notices."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.demo.sink import Sink, sink
from tests.integration.demo.worlds import World, kill, world

ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")


@dataclass(frozen=True, slots=True)
class Scene:
    """A small platform under load, and what it publishes."""

    world: World
    sink: Sink

    def until(self, claim: Callable[[], bool], within_s: float = 30.0) -> None:
        """Wait until a claim holds."""
        ends = time.monotonic() + within_s
        while not claim():
            assert time.monotonic() < ends, f"not within {within_s} s"
            time.sleep(0.2)

    def signal_all(self, number: signal.Signals, **wanted: str) -> None:
        """Signal every instance with these properties; what is killed stays dead."""
        document = self.world.platform()
        struck = [one for one in document["instances"] if wanted.items() <= one.items()]
        assert struck
        if number is signal.SIGKILL:
            places = [{"group": one["group"], "zone": one["zone"]} for one in struck]
            self.world.ask("PUT", "/v1/suspensions/test", {"groups": places})
        for one in struck:
            kill(one["pid"], number)

    def starts_after(self, wait_s: float, for_s: float) -> dict[str, float]:
        """Starts by cause in a span that begins `wait_s` from now."""
        time.sleep(wait_s)
        from_ms = int(time.time() * 1000)
        time.sleep(for_s)
        return self.sink.total("cause", from_ms=from_ms, name="playback.starts")


@contextmanager
def small_platform() -> Iterator[Scene]:
    """Three zones of one region, to which eight members come a second, ready and published."""
    with tempfile.TemporaryDirectory(prefix="s", dir="/tmp") as folder:
        path = Path(folder) / "store.sock"
        options = ("--size", "small", "--fabric", "loopback", "--rate", "8")
        with sink(path) as kept, world(*options, "--publish", str(path)) as started:
            started.until_ready()
            yield Scene(started, kept)


def failed_share(starts: dict[str, float]) -> float:
    """Of the starts by cause, the share that is not by none."""
    total = sum(starts.values())
    assert total > 20
    return 1 - starts["none"] / total
