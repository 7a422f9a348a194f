"""pytest plug-in: experiments as tests.

`@pytest.mark.chaos("zone-outage")` runs an experiment before the test, the fixture `chaos` from
inside of it. A weakness that is found is a failed test; a run that says nothing is an error, and
never a skip. Runs are processes of their own: pytest imports nothing of ours but this file, and a
run that is interrupted undoes what it did as it always does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from chaosctl.engine.result import RunResult

__all__ = ["Chaos", "NotJudged"]

RUN_S_MAX = 900.0
UNDO_S_MAX = 60.0
_MARKED = pytest.StashKey[str]()
_PLATFORM_WAS_UP = pytest.StashKey[bool]()


class NotJudged(Exception):
    """The run says nothing of the target: it was refused, interrupted, or had too little data."""


class _Weak(Exception):
    """The run ended with another verdict than the test expects."""


@dataclass(slots=True)
class Chaos:
    """Runs experiments; `results` are those of this test, in order."""

    command: Sequence[str]
    config: pytest.Config
    results: list[RunResult] = field(default_factory=list)

    @property
    def result(self) -> RunResult:
        """The last result."""
        return self.results[-1]

    def run(
        self,
        experiment: str | Path,
        *,
        settings: Sequence[str] = (),
        seed: int | None = None,
        store: str = "",
        yes: bool = False,
        expect: str = "passed",
        timeout_s: float = RUN_S_MAX,
    ) -> RunResult:
        """Run a file or a bundled experiment and return its result.

        settings: as `--set`, "method.0.for=10s". expect: the verdict that the test wants. Another
        one fails the test with the reason; NotJudged is raised for a run that says nothing.
        """
        __tracebackhide__ = True
        try:
            return self._run(
                experiment,
                settings=settings,
                seed=seed,
                store=store,
                yes=yes,
                expect=expect,
                timeout_s=timeout_s,
            )
        except _Weak as found:
            pytest.fail(str(found), pytrace=False)

    def _run(
        self,
        experiment: str | Path,
        *,
        settings: Sequence[str] = (),
        seed: int | None = None,
        store: str = "",
        yes: bool = False,
        expect: str = "passed",
        timeout_s: float = RUN_S_MAX,
    ) -> RunResult:
        _look_at_platform(self.command, self.config)
        options = ["--plain", *(f"--set={one}" for one in settings)]
        options += [] if seed is None else [f"--seed={seed}"]
        options += [f"--store={store}"] if store else []
        options += ["--yes"] if yes else []
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
            command = [*self.command, "run", str(experiment), f"--report={folder}", *options]
            said = _finish(command, timeout_s)
            written = list(Path(folder).glob("*.json"))
            if not written:
                raise NotJudged(said.strip() or f"{' '.join(command)} said nothing")
            result = _read(written[0])
            if kept := self.config.getoption("--chaos-report"):
                shutil.copytree(folder, kept, dirs_exist_ok=True)
        self.results.append(result)
        return _expected(result, str(experiment), expect)


@pytest.fixture(scope="session")
def chaos_command() -> Sequence[str]:
    """The command that runs experiments; override it to run them elsewhere."""
    return (sys.executable, "-m", "chaosctl")


@pytest.fixture
def chaos(request: pytest.FixtureRequest, chaos_command: Sequence[str]) -> Chaos:
    """Runs experiments: `chaos.run("zone-outage")`; with the marker, `chaos.result` is there."""
    return Chaos(chaos_command, request.config)


@pytest.fixture
def _chaos_marked(request: pytest.FixtureRequest, chaos: Chaos) -> None:
    """Runs what the markers name; a weakness fails the test itself and not its set-up."""
    for mark in reversed(list(request.node.iter_markers("chaos"))):
        if not mark.args:
            raise pytest.UsageError('the marker names an experiment: chaos("zone-outage")')
        try:
            chaos._run(*mark.args, **mark.kwargs)
        except _Weak as found:
            request.node.stash[_MARKED] = str(found)
            return


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the plug-in."""
    group = parser.getgroup("chaos", "chaos experiments")
    group.addoption(
        "--chaos-report", metavar="DIR", help="keep each result there, for `chaosctl gate`"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Say the marker."""
    config.addinivalue_line(
        "markers",
        "chaos(experiment, *, settings, seed, store, yes, expect, timeout_s): run an experiment"
        " before the test, which fails unless the verdict is `expect` (passed)",
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let marked tests use the fixture that runs what they are marked with."""
    if isinstance(item, pytest.Function) and item.get_closest_marker("chaos"):
        item.fixturenames.insert(0, "_chaos_marked")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a marked test before its body if its experiment found a weakness."""
    if _MARKED in item.stash:
        pytest.fail(item.stash[_MARKED], pytrace=False)
    yield


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the demo platform if runs of this session have started it."""
    config = session.config
    if config.stash.get(_PLATFORM_WAS_UP, True) or hasattr(config, "workerinput"):
        return  # beside other workers nobody knows who is the last to need it
    own = [sys.executable, "-m", "chaosctl", "demo"]
    if _answers([*own, "status"]):
        _answers([*own, "down"])


def _look_at_platform(command: Sequence[str], config: pytest.Config) -> None:
    """Remember, before the first run, whether the platform was there already."""
    if _PLATFORM_WAS_UP not in config.stash:
        is_ours = list(command) == [sys.executable, "-m", "chaosctl"]
        config.stash[_PLATFORM_WAS_UP] = not is_ours or _answers([*command, "demo", "status"])


def _answers(command: Sequence[str]) -> bool:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=UNDO_S_MAX, check=False
    )
    return done.returncode == 0


def _finish(command: Sequence[str], timeout_s: float) -> str:
    """Run it to its end and return what it said; on any way out it has undone everything."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        out, err = process.communicate(timeout=timeout_s)
    except BaseException as error:  # an interrupt, or a time limit of pytest itself
        if process.poll() is None:
            process.terminate()  # not SIGINT, which what runs in the background may ignore
        out, err = process.communicate(timeout=UNDO_S_MAX)
        _pass_on(out, err)
        if isinstance(error, subprocess.TimeoutExpired):
            raise NotJudged(f"not over after {timeout_s:g} s; ended, and undone") from error
        raise
    _pass_on(out, err)
    return err if process.returncode else out


def _pass_on(out: str, err: str) -> None:
    """Let pytest capture what the run said, and show it if the test fails."""
    sys.stdout.write(out)
    sys.stderr.write(err)


def _read(path: Path) -> RunResult:
    from chaosctl.engine.result import read_result_file  # noqa: PLC0415 - not while pytest starts

    return read_result_file(path)


def _expected(result: RunResult, experiment: str, expect: str) -> RunResult:
    """The result, if it is what the test wants. Raises _Weak or NotJudged."""
    said = f"{experiment}: {result.verdict}: {result.reason}"
    said += f"\n  fix: {result.fix}" if result.fix else ""
    said += f"\n  next: chaosctl journal {result.run_id}"
    if result.undo != "clean":
        raise _Weak(f"{said}\n  undo {result.undo}")
    if result.verdict == expect:
        return result
    if result.verdict in ("passed", "failed"):
        raise _Weak(said if expect == "passed" else f"{said}\n  expected: {expect}")
    raise NotJudged(said)
