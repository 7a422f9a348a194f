"""Start, find and stop the bundled demo platform and the store that watches it.

The platform's keeper runs detached; everything it owns lives in one folder under the runtime
folder, so finding it needs no registry: the control socket answers, or it is not up.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import psutil

from chaosctl.control import Control
from chaosctl.errors import ChaosctlError, TargetUnreachable
from chaosctl.procfs import is_alive
from chaosctl.stores.atlas import AtlasStore
from monkeys.errors import MonkeyError

START_SECONDS_MAX = 60.0
USUAL_ANSWER_S = 2.0
"""So long at most the platform's supervisor takes to answer on a machine that has time for it."""

SLOWNESS_MAX = 5.0
STOP_SECONDS_MAX = 15.0
SETTLED_SHARE = 0.97
SETTLE_STEPS = 3
SETTLE_SECONDS_MAX = 20.0
STORE_SETTINGS = files("chaosctl").joinpath("demo_store.yaml")
STARTS_QUERY = "name,playback.starts,:eq,ipc.result,success,:eq,:and,:sum"
SHARE_QUERY = f"{STARTS_QUERY},name,playback.starts,:eq,:sum,:div"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DemoPaths:
    """Where the demo keeps its sockets and its log."""

    folder: Path

    @property
    def control(self) -> Path:
        """Unix socket of the supervisor's control API."""
        return self.folder / "control.sock"

    @property
    def store(self) -> Path:
        """Unix socket of the store."""
        return self.folder / "store.sock"

    @property
    def lines(self) -> Path:
        """Unix socket on which the store takes metrics, as spectatord's lines."""
        return self.folder / "lines.sock"

    @property
    def keeper(self) -> Path:
        """Who keeps the platform: process id and start time."""
        return self.folder / "keeper.json"

    @property
    def log(self) -> Path:
        """What the platform's processes printed."""
        return self.folder / "keeper.log"

    @property
    def logs(self) -> Path:
        """What the platform's instances logged: files of JSON lines, for each zone."""
        return self.folder / "logs"

    @property
    def output(self) -> Path:
        """What the keeper itself said; beside the folder, so that it outlives a failed start."""
        return self.folder.with_suffix(".out")


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How to start the platform; starts_per_second: None for what its size can carry."""

    size: str = "normal"
    seed: int = 1
    starts_per_second: float | None = None
    fabric: str = "auto"
    switches: Mapping[str, bool] | None = None
    store_port: int = 0
    aws_port: str = "auto"


def demo_paths(runtime_dir: Path) -> DemoPaths:
    """The demo's folder under the runtime folder."""
    return DemoPaths(runtime_dir / "demo")


def keeper_command(paths: DemoPaths, options: DemoOptions) -> list[str]:
    """argv of the keeper, with the store as its companion."""
    store = [sys.executable, "-m", "atlas", "serve", "--unix", str(paths.store)]
    store += ["--config", str(STORE_SETTINGS), "--spectatord-unix", str(paths.lines)]
    if options.store_port:
        store += ["--port", str(options.store_port)]
    command = [sys.executable, "-m", "demo_platform", "up", "--dir", str(paths.folder)]
    command += ["--size", options.size, "--seed", str(options.seed), "--fabric", options.fabric]
    command += ["--publish", str(paths.lines)]
    command += ["--store", str(paths.store), "--aws-port", options.aws_port]
    if options.starts_per_second is not None:
        command += ["--rate", str(options.starts_per_second)]
    command += ["--companion", json.dumps(store)]
    for name, on in (options.switches or {}).items():
        command += ["--switch", f"{name}={'on' if on else 'off'}"]
    return command


def is_up(paths: DemoPaths) -> bool:
    """Whether a keeper lives for this folder."""
    return keeper_process(paths) is not None


def keeper_process(paths: DemoPaths) -> psutil.Process | None:
    """The keeper's process, if the one that wrote keeper.json still lives."""
    try:
        noted = json.loads(paths.keeper.read_text())
        pid = int(noted["pid"])
        return psutil.Process(pid) if is_alive(pid, int(noted["started_ticks"])) else None
    except (OSError, ValueError, KeyError, psutil.Error):
        return None


def control_of(paths: DemoPaths) -> Control:
    """The operators' API of the platform."""
    return Control(paths.control)


def store_of(paths: DemoPaths) -> AtlasStore:
    """The platform's own store."""
    return AtlasStore(f"unix:{paths.store}")


def start(paths: DemoPaths, options: DemoOptions, say: Say) -> dict[str, Any]:
    """Start the platform and its store; returns when every instance is registered and members'
    starts succeed, or do not within a while, which is said. Raises ChaosctlError, with everything
    stopped again."""
    paths.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with paths.output.open("wb") as output:
        keeper = subprocess.Popen(
            keeper_command(paths, options),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        platform, slowness = wait_until_ready(paths, keeper, say)
        wait_until_settled(store_of(paths), say, slowness)
        return platform
    except BaseException:
        # Ctrl-C included: a platform that is half up is of no use to anybody. Its keeper may not
        # have written down yet who it is, so that `stop` alone would miss it.
        keeper.terminate()
        with suppress(subprocess.TimeoutExpired):
            keeper.wait(STOP_SECONDS_MAX)
        stop(paths)
        raise
    finally:
        paths.output.unlink(missing_ok=True)  # from now on it has a log of its own


def slowness_of(answered_after_s: float) -> float:
    """How many times longer than usual this machine takes, by how soon the supervisor answered.

    Between 1 and SLOWNESS_MAX; what is little more than 1 is 1.

    >>> slowness_of(0.9), slowness_of(7.0)
    (1.0, 3.5)
    """
    times = answered_after_s / USUAL_ANSWER_S
    return min(times, SLOWNESS_MAX) if times >= 1.5 else 1.0


def wait_until_ready(
    paths: DemoPaths, keeper: subprocess.Popen[bytes], say: Say
) -> tuple[dict[str, Any], float]:
    """Poll until ready and starts > 0, saying what is waited for: the platform, and how many times
    slower than usual the machine is. On a slow one all else may take as many times longer."""
    control, store = Control(paths.control), AtlasStore(f"unix:{paths.store}")
    begun, wait_s = time.monotonic(), START_SECONDS_MAX
    told, slowness = "", 0.0
    while time.monotonic() - begun < wait_s:
        if keeper.poll() is not None:
            what, fix = last_words(paths.output)
            raise TargetUnreachable(what, where="demo platform", fix=fix)
        found = look(control)
        if found and not slowness:
            slowness = slowness_of(time.monotonic() - begun)
            wait_s *= slowness
            if slowness > 1:
                say(f"this machine takes {slowness:.1f} times as long as usual: so may the start")
        waiting = waiting_for(found)
        if not waiting and starts_per_second(store) > 0:
            return found, slowness
        waiting = waiting or "the first stream starts"
        if waiting != told:
            say(f"waiting for {waiting} (at most {wait_s:.0f} s)")
            told = waiting
        time.sleep(0.1)
    raise TargetUnreachable(
        f"not ready after {wait_s:.0f} s: still waiting for {told}",
        where="demo platform",
        fix=f"see {paths.log}; `chaosctl doctor`; a slow machine may want `--size small`",
    )


def wait_until_settled(store: AtlasStore, say: Say, slowness: float) -> None:
    """Wait until nearly all starts have succeeded for a few steps: connections are made and caches
    are warm. A platform that does not get there is up all the same, and whoever asked is told."""
    wait_s = SETTLE_SECONDS_MAX * slowness
    say(f"waiting for {SETTLED_SHARE:.0%} of starts to succeed (≤ {wait_s:.0f} s)")
    begun, share, shares = time.monotonic(), 0.0, list[float]()
    while time.monotonic() - begun < wait_s:
        shares = newest(store, SHARE_QUERY, SETTLE_STEPS)
        share = min(shares, default=0.0)
        if len(shares) == SETTLE_STEPS and share >= SETTLED_SHARE:
            return
        time.sleep(0.1)
    say(
        f"starts have not settled: in {len(shares)} steps {share:.0%} succeed at worst, and an "
        "experiment may find no steady state; a slow or busy machine may want `--size small`"
    )


def look(control: Control) -> dict[str, Any]:
    """The platform as it says it is; empty while it does not answer."""
    try:
        return control.platform()
    except MonkeyError:
        return {}


def about(paths: DemoPaths) -> dict[str, Any]:
    """What a run notes of the platform it breaks. Raises NotUp, or TargetFailed."""
    platform = control_of(paths).platform()
    return {
        "size": platform["size"],
        "fabric": platform["fabric"],
        "platform_seed": platform["seed"],
        "starts_per_second": platform["starts_per_second"],
        "switches": platform["switches"],
    }


def waiting_for(platform: Mapping[str, Any]) -> str:
    """What is still missing before the platform is ready, in words; empty when nothing is."""
    if not platform:
        return "the platform's supervisor"
    if platform["state"] != "ready":
        total = len(platform["instances"])
        return f"{total} instances to register" if total else "instances to be started"
    return ""


def starts_per_second(store: AtlasStore) -> float:
    """Stream starts in the newest complete step; 0 while the store has none."""
    return max(newest(store, STARTS_QUERY, 3), default=0.0)


def newest(store: AtlasStore, query: str, step_count: int) -> list[float]:
    """What a query gave in the newest complete steps, as far as the store has them."""
    end_ms = time.time_ns() // 1_000_000_000 * 1000
    try:
        values = store.fetch([query], end_ms - step_count * 1000, end_ms, timeout_s=2.0)
    except ChaosctlError:
        return []
    return list(values.get(query, {}).values())


def last_words(output: Path) -> tuple[str, str]:
    """What the keeper said was wrong, and its fix."""
    try:
        lines = [line.strip() for line in output.read_text(errors="replace").splitlines()]
    except OSError:
        lines = []
    fixes = [line.removeprefix("fix: ") for line in lines if line.startswith("fix: ")]
    said = [line for line in lines if line and not line.startswith("fix: ")]
    what = said[-1].removeprefix("demo_platform: ") if said else "it ended without a word"
    return what, fixes[-1] if fixes else "chaosctl doctor"


def stop(paths: DemoPaths) -> bool:
    """Stop the platform and its store and see that nothing is left; False if it was not up."""
    keeper = keeper_process(paths)
    if keeper is None:
        was_there = paths.folder.exists()
        remove_leftovers(paths)
        return was_there
    keeper.send_signal(signal.SIGTERM)
    if not has_ended(keeper, STOP_SECONDS_MAX):
        # The kernel takes the whole world with it: its supervisor is bound to the keeper's life.
        keeper.kill()
        has_ended(keeper, 5.0)
    remove_leftovers(paths)
    return True


def has_ended(process: psutil.Process, within_s: float) -> bool:
    """Whether it ends in time. One that its parent has not reaped has ended too: in a container
    the first process often reaps nobody."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def remove_leftovers(paths: DemoPaths) -> None:
    """Files of a platform that is no more; only ever our own folder."""
    if paths.folder.is_dir() and not paths.folder.is_symlink():
        shutil.rmtree(paths.folder, ignore_errors=True)
    paths.output.unlink(missing_ok=True)
