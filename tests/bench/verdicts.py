"""The bundled experiments again and again: are the verdicts right, and how far from their limits?

Every run is kept as a line of `verdicts.jsonl` in the results folder, so that a long measurement
can be stopped and gone on with. A margin is the distance of a check's worst value from its limit,
in standard deviations of that worst value over the runs.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from tests.bench.figure import Figure, missing
from tests.expected_verdicts import bundled_verdicts, has_reason, lesson_verdicts
from tests.integration.bed import ROOT, Bed, made_bed
from tests.integration.observer.difference import settle, steady

Run = dict[str, Any]
DEVIATIONS_MIN = 3
FEWEST = 3
SETTLED_WITHIN_S = 15.0


def measure(options: argparse.Namespace) -> list[Figure]:
    """Of the bundled experiments."""
    return measured(options, bundled_verdicts(), options.results / "verdicts.jsonl")


def measure_lessons(options: argparse.Namespace) -> list[Figure]:
    """Of both experiments of every lesson, and the longest that one of them takes."""
    kept = options.results / "lessons.jsonl"
    figures = measured(options, lesson_verdicts(), kept, charts=options.charts)
    longest = max(_kept(kept), key=lambda run: run["took_s"])
    note = longest["name"]
    return [*figures, Figure("longest run of a lesson", longest["took_s"], "s", 25, note=note)]


def measured(
    options: argparse.Namespace, expected: dict[str, Run], kept: Path, *, charts: bool = False
) -> list[Figure]:
    """Run until there are as many of each as asked for, then judge them all; draw those made."""
    runs = [run for run in _kept(kept) if run["name"] in expected]
    done = Counter(run["name"] for run in runs)
    todo = [name for n in range(options.repeat) for name in expected if done[name] <= n]
    if todo:
        with made_bed() as bed:
            bed.up()
            usual = steady(bed.scope)
            for name in todo:
                runs.append(_run(bed, name, len(runs) + 1))
                # A group that an experiment has had shrink is not yet what the next one expects.
                left, _ = settle(usual, bed.scope, SETTLED_WITHIN_S)
                runs[-1]["left"] = [str(residue) for residue in left]
                with kept.open("a") as file:
                    file.write(json.dumps(runs[-1]) + "\n")
            if charts:
                draw = [bed.python, str(ROOT / "docs" / "lesson_charts.py"), str(bed.state)]
                subprocess.run(draw, env=bed.environment(), check=True)
    right = [_is_right(run, expected[run["name"]]) for run in runs]
    share = sum(right) / len(right) * 100
    note = f"{sum(right)} of {len(right)}"
    return [
        Figure("verdicts that are right", share, "%", 100, at_least=True, note=note),
        _margin(runs),
    ]


def _kept(path: Path) -> list[Run]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _run(bed: Bed, name: str, seed: int) -> Run:
    began_s = time.monotonic()
    said = bed.chaosctl("run", name, "--seed", str(seed), "--json", timeout_s=180)
    result = json.loads(said.out.splitlines()[-1])
    print(f"{name} {result['verdict']}: {result['reason']}", file=sys.stderr, flush=True)
    kept = {key: result[key] for key in ("verdict", "undo", "reason", "detail")}
    return {"name": name, "took_s": time.monotonic() - began_s, **kept}


def _is_right(run: Run, want: Run) -> bool:
    failed = [check["name"] for check in run["detail"]["checks"] if check["outcome"] == "fail"]
    return (
        run["verdict"] == want["verdict"]
        and run["undo"] == "clean"
        and not run.get("left")
        and failed == want["failed"]
        and has_reason(run["detail"], want.get("because", []))
    )


def _margin(runs: list[Run]) -> Figure:
    """The smallest distance from a limit, in standard deviations."""
    name = "worst margin to a limit"
    margins: dict[tuple[str, str], list[float]] = defaultdict(list)
    for run in runs:
        for check in run["detail"]["checks"]:
            if check["margin"] is not None:
                margins[run["name"], check["name"]].append(check["margin"])
    if not margins or min(len(values) for values in margins.values()) < FEWEST:
        why = f"a deviation needs {FEWEST} runs of each: --repeat {FEWEST}"
        return missing(name, "sd", DEVIATIONS_MIN, why, at_least=True)
    distances = {key: _deviations(values) for key, values in margins.items()}
    for (experiment, check), distance in sorted(distances.items()):
        mean = statistics.mean(margins[experiment, check])
        print(f"  {experiment}: {check}: {mean:+.4f}, {distance:.1f} sd", file=sys.stderr)
    where = min(distances, key=lambda key: distances[key])
    note = f"{where[0]}: {where[1]}"
    return Figure(name, distances[where], "sd", DEVIATIONS_MIN, at_least=True, note=note)


def _deviations(margins: list[float]) -> float:
    spread = statistics.stdev(margins)
    return abs(statistics.mean(margins)) / spread if spread else math.inf
