"""Replays the recorded questions: `python -m tests.oracle [--category math.] [--show 5]`.

Without --base-url the application runs in this process and is given the data first. Exit code 0 if
every check passes, else 1.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Iterable
from contextlib import contextmanager

from tests.oracle.application import BASE_END_MS, application
from tests.oracle.callers import Caller, InProcess, OverHttp
from tests.oracle.replay import Result, load, replay
from tests.oracle.vectors import Vector, latest_base_end_ms, vectors

DIFFERENCE_SHOWN_MAX = 600


def main(arguments: list[str] | None = None) -> int:
    """Replay what is asked for; 1 if a check fails."""
    options = _parser().parse_args(arguments)
    chosen = [v for v in vectors() if _is_chosen(v, options)]
    if not chosen:
        print("no vector has such a category or id", file=sys.stderr)
        return 2
    begin = time.monotonic()
    with _caller(options) as (caller, base_end_ms):
        results = list(_shown(replay(caller, chosen, base_end_ms), options.show))
    print(table(results))
    passed, total = _counts(results)
    print(f"{time.monotonic() - begin:.1f} s\n{passed} passed, {total - passed} failed")
    return 0 if passed == total else 1


def table(results: Iterable[Result]) -> str:
    """Checks passed, failed and made, by category."""
    rows: dict[str, list[int]] = {}
    for result in results:
        for check in result.checks:
            row = rows.setdefault(check.category, [0, 0, 0])
            row[check.difference is not None] += 1
            row[2] += 1
    lines = [f"{'category':<34}{'passed':>7}{'failed':>7}{'total':>7}"]
    lines += [f"{name:<34}{p:>7}{f or '':>7}{t:>7}" for name, (p, f, t) in sorted(rows.items())]
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description=__doc__)
    add = parser.add_argument
    add("--category", action="append", default=[], help="only these; a prefix; may be repeated")
    add("--id", action="append", default=[], help="only these vectors; may be repeated")
    add("--show", type=int, default=0, metavar="N", help="print the first N failures")
    add("--base-url", help="a running server instead, as http://127.0.0.1:7101")
    add("--load", action="store_true", help="publish the data to that server first")
    add("--base-end", type=int, metavar="MS", help="the noon at which that server's data ends")
    return parser


def _is_chosen(vector: Vector, options: argparse.Namespace) -> bool:
    prefixes = tuple(options.category)
    is_of_category = not prefixes or vector.category.startswith(prefixes)
    return is_of_category and (not options.id or vector.id in options.id)


@contextmanager
def _caller(options: argparse.Namespace):
    if options.base_url:
        caller: Caller = OverHttp(options.base_url)
        base_end_ms = options.base_end or latest_base_end_ms(time.time_ns() // 1_000_000)
        print(f"base end {base_end_ms}", file=sys.stderr)
        if options.load:
            load(caller, base_end_ms)
        yield caller, base_end_ms
        return
    with InProcess(application()) as caller, warnings.catch_warnings():
        warnings.simplefilter("error")  # as pytest does
        load(caller, BASE_END_MS)
        yield caller, BASE_END_MS


def _shown(results: Iterable[Result], count: int):
    """The results, the first failures printed as they come."""
    for result in results:
        for check in result.checks:
            if check.difference is not None and count > 0:
                count -= 1
                request = result.vector.document["request"]
                pairs = " ".join(f"{k}={v}" for k, v in request.get("params", []))
                path = request.get("raw") or f"{request['path']} {pairs}"
                print(f"--- {result.vector.id} [{check.category}]")
                print(f"    {request.get('method', 'GET')} {path}")
                print(f"    {check.difference[:DIFFERENCE_SHOWN_MAX]}")
        yield result


def _counts(results: Iterable[Result]) -> tuple[int, int]:
    differences = [check.difference for result in results for check in result.checks]
    return differences.count(None), len(differences)


if __name__ == "__main__":
    sys.exit(main())
