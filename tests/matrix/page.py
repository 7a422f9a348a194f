"""docs/failure-matrix.md, made from results only: what was not run stands there as not run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from tests.matrix.cells import (
    ABOUT,
    EVENTS,
    HELD,
    MECHANISMS,
    OTHER_FAULTS,
    PHASES,
    Cell,
    every_cell,
)
from tests.matrix.results import ROOT, Result, latest, read_results
from tests.matrix.trying import EXPIRED_S

CALM_LOAD = 12
"""A load average from which on seconds say more about the machine than about the product."""

PAGE = ROOT / "docs" / "failure-matrix.md"
BOTH = "SIGKILL of both"
INTRODUCTION = f"""# Failure matrix

<!-- Made by `python -m tests.matrix` from its results; run `make matrix` and commit. -->

A run is hit in each of its phases, and an observer that knows nothing of our journal says what
is left. It compares processes and their limits, namespaces, links, nft rules, queues, routes,
mounts, full disks, files, held locks and which instances answer with how they were before.
`make matrix` first plants one of each kind (`tests/integration/observer/test_planted.py`) and
has it seen.

A number is seconds until nothing is left: when the first picture without residue was begun. For
events that end the run it counts from the event; for a full disk, a dead store and a clock that
is set it counts from the run's own end, whose exit code it says. Bold is what was left, or
clean too late: later than {EVENTS["SIGINT"].limit_s:g} s after a signal that can be handled and
after a run's own end, {EVENTS["SIGKILL"].limit_s:g} s after a signal that cannot; 5 s more where
scaling groups replace what was killed. `·` was not run yet. Where a run had gone on to another
phase by the time it was hit, that phase stands beside the number.
"""
HOW = f"""## How each is done

- *Phase*: the event is sent as soon as the run's journal shows the phase; `validate` is when
  the reader of YAML is loaded. Phases of a millisecond are missed like this. Then the cell is
  run again while writing that line of the journal takes 50 ms longer, as on a slow disk.
- *SIGKILL of both*: the watchdog is stopped, the run killed, the watchdog killed; so neither
  can act in between. The observer looks on for {EXPIRED_S} s, past the deadline of the fault;
  then comes `chaosctl recover`, and the number counts from there.
- *SIGSTOP*: the watchdog ends a run that does not renew its lease for 5 s. Before there is a
  watchdog nothing is touched: a stopped run just waits, and the number is for its end after
  SIGTERM and SIGCONT.
- *disk full*: the run folders are on a small file system of their own (tmpfs), filled to the
  last byte.
- *store dead*: the run asks the store through a process that copies bytes, which gets SIGKILL.
- *clock ±1 h*: no machine's clock is set. In the run, its watchdog and all they start, what
  Python reads from the clock is shifted (`tests/matrix/preload`); the platform and the store
  keep the true time.
- *Signals in `report`*: the fault is out and the verdict known; the run may end with its own
  code.
"""


def write_page(matrix: Path, soak: Path) -> None:
    """Write the page from what there is."""
    results, soaked = read_results(matrix), read_results(soak)
    PAGE.write_text("\n".join(page(results, soaked)), encoding="utf-8")


def page(results: Sequence[Result], soaked: Sequence[Result]) -> Iterator[str]:
    """All of it, line by line."""
    newest = latest(results)
    yield INTRODUCTION
    yield from _summary(newest)
    for fault, mechanism in MECHANISMS.items():
        yield f"## {mechanism.capitalize()}: `{fault}`\n"
        yield from _table(newest, fault)
    yield from _others(newest)
    yield from _both(newest)
    yield from _again(results)
    yield from _soak(soaked)
    yield HOW.rstrip("\n") + "\n"


def _summary(newest: Mapping[str, Result]) -> Iterator[str]:
    cells = [cell.name for cell in every_cell()]
    done = [newest[name] for name in cells if name in newest]
    unclean = [result for result in done if not result.is_clean]
    yield "## In short\n"
    left = [result for result in unclean if result.left]
    yield (
        f"{len(done)} of {len(cells)} cells were run; something was left in {len(left)}, and"
        f" {len(unclean) - len(left)} were clean too late.\n"
    )
    yield f"| event | cells | p50 | max | cells at a load below {CALM_LOAD} | p50 | max | limit |"
    yield "| --- |" + " --- |" * 7
    for event in EVENTS.values():
        of = [r for r in done if r.cell.split("/")[1] == event.name]
        calm = [r for r in of if r.load < CALM_LOAD]
        if of:
            yield f"| {event.name} | {_numbers(of)} | {_numbers(calm)} | {event.limit_s:g} s |"
    yield ""
    yield from _made_with(done)
    for result in unclean:
        what = "; ".join(result.left) or f"too late, at a load average of {result.load:g}"
        yield f"- **{result.cell}**: {result.clean_s:.1f} s; {what}"
    if unclean:
        yield ""


def _numbers(results: Sequence[Result]) -> str:
    """Three columns: how many, and the seconds in half of them and at most."""
    if not results:
        return "0 | – | –"
    seconds = [result.clean_s for result in results]
    return f"{len(results)} | {median(seconds):.1f} s | {max(seconds):.1f} s"


def _made_with(done: Iterable[Result]) -> Iterator[str]:
    done = list(done)
    if not done:
        return
    versions = Counter(result.version for result in done)
    loads = sorted(result.load for result in done)
    made = ", ".join(f"{count} of `{version}`" for version, count in versions.most_common())
    yield (
        f"Digest of the product's sources: {made}. Two platforms at once, on 2 cores: load average"
        f" {loads[0]:g} to {loads[-1]:g}, above {median(loads):g} in half of the cells.\n"
    )


def _table(newest: Mapping[str, Result], fault: str) -> Iterator[str]:
    yield "| phase | " + " | ".join(EVENTS) + " |"
    yield "| --- |" + " --- |" * len(EVENTS)
    for phase in PHASES:
        found = [newest.get(Cell(phase, event, fault).name) for event in EVENTS]
        yield f"| {phase} | " + " | ".join(_cell(phase, one) for one in found) + " |"
    yield ""


def _cell(phase: str, result: Result | None) -> str:
    if result is None:
        return "·"
    if not result.is_clean:
        return f"**{'left' if result.left else 'late'}, {result.clean_s:.1f}**"
    text = f"{result.clean_s:.1f}"
    if EVENTS[result.cell.split("/")[1]].goes_on:
        text += f", exit {result.code}"
    return text if phase in result.hit else f"{text} ({result.hit[-1]})"


def _others(newest: Mapping[str, Result]) -> Iterator[str]:
    yield "## Other faults: SIGKILL\n"
    yield "What a fault has killed is replaced by the platform's own scaling groups.\n"
    phases = [phase for phase in PHASES if phase in (*ABOUT, "watch")]
    yield "| fault | " + " | ".join(phases) + " |"
    yield "| --- |" + " --- |" * len(phases)
    planned = {cell.name for cell in every_cell()}
    for fault in OTHER_FAULTS:
        cells = [Cell(phase, "SIGKILL", fault) for phase in phases]
        told = [_cell(c.phase, newest.get(c.name)) if c.name in planned else "" for c in cells]
        yield f"| {fault} | {' | '.join(told)} |"
    yield ""


def _both(newest: Mapping[str, Result]) -> Iterator[str]:
    yield "## Run and watchdog killed together\n"
    yield (
        "What went by itself, after how long, and what only the next command took back (`chaosctl"
        " recover`, and `chaosctl run` before it starts anything). A stopped process has no"
        " deadline: no kernel lets one go at a set time.\n"
    )
    yield "| phase | fault | went by itself | left until then | took back in |"
    yield "| --- | --- | --- | --- | --- |"
    for phase in PHASES:
        for fault in (*MECHANISMS, *HELD):
            result = newest.get(Cell(phase, BOTH, fault).name)
            if result is None:
                continue
            gone = [f"{k} {s:.1f} s" for k, s in result.lasting.items() if k not in result.kept]
            yield (
                f"| {phase} | {fault} | {', '.join(gone) or '–'} |"
                f" {', '.join(result.kept) or 'nothing'} | {result.undone_s:.1f} s |"
            )
    yield ""


def _again(results: Sequence[Result]) -> Iterator[str]:
    """What was not clean at first is said, also when it was clean later."""
    newest = latest(results)
    rows = [r for r in results if not r.is_clean and newest[r.cell] is not r]
    if not rows:
        return
    yield "## Tried again\n"
    yield (
        "Cells that were late or left something at one try, with the machine's load average at that"
        " try and at the last.\n"
    )
    yield "| cell | seconds | left | load | last try | load |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for result in rows:
        last = newest[result.cell]
        left = "; ".join(result.left).splitlines()[0][:120].replace("|", "/") if result.left else ""
        yield (
            f"| {result.cell} | {result.clean_s:.1f} | {left or 'nothing'} | {result.load:g} |"
            f" {last.clean_s:.1f} | {last.load:g} |"
        )
    yield ""


def _soak(soaked: Sequence[Result]) -> Iterator[str]:
    yield "## kill -9 at random times\n"
    newest = latest(soaked)
    if not newest:
        yield "Not run yet: `make soak`.\n"
        return
    seconds = [result.clean_s for result in newest.values()]
    unclean = [result for result in newest.values() if not result.is_clean]
    hit = Counter(result.hit[-1] for result in newest.values() if result.hit)
    seeds = sorted({name.split("/")[0].removeprefix("soak ") for name in newest})
    phases = ", ".join(f"{phase} {hit[phase]}" for phase in PHASES if hit[phase])
    yield (
        f"{len(newest)} runs were killed, seed {', '.join(seeds)}; something was left in"
        f" {len(unclean)}. Seconds until nothing was left: {median(seconds):.1f} in half of them,"
        f" {max(seconds):.1f} at most. Phases that were hit: {phases}.\n"
    )
    for result in unclean:
        yield f"- **{result.cell}**: {result.clean_s:.1f} s; {'; '.join(result.left) or 'too late'}"
    if unclean:
        yield ""
