"""Results from wherever they are, put together by experiment, for the gate."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chaosctl.context import Context
from chaosctl.engine.folder import RESULT
from chaosctl.engine.journal import FILE_NAME
from chaosctl.engine.ledger import find_run
from chaosctl.engine.result import SCHEMA, RunResult, read_result, read_result_file
from chaosctl.errors import ChaosctlError, NothingToJudge
from chaosctl.judge.accepted import CheckSeen, Observed, RunSeen

FILES_MAX = 10_000
DOCUMENTS = (".yaml", ".yml")


def gather(sources: Sequence[str], context: Context) -> list[RunResult]:
    """The results in files, folders and runs; each once.

    Raises ChaosctlError for what is none, or is given twice; NothingToJudge if there is nothing.
    """
    results: dict[str, RunResult] = {}
    for source in sources:
        for result in _results_of(source, context):
            if result.run_id in results:
                raise ChaosctlError(
                    f"run {result.run_id} is there twice",
                    where=source,
                    fix="give each run once: a second copy would count as a second run",
                )
            results[result.run_id] = result
    if not results:
        raise NothingToJudge(
            "no results there",
            where=", ".join(sources),
            fix="`chaosctl run FILE... --report DIR` writes them",
        )
    return [results[run_id] for run_id in sorted(results)]


def observe(results: Sequence[RunResult]) -> dict[str, Observed]:
    """The results by name of their experiment. Raises ChaosctlError if two have one name."""
    found: dict[str, list[RunResult]] = {}
    for result in results:
        name = result.detail.get("experiment")
        if not isinstance(name, str) or not name:
            raise ChaosctlError(
                "result names no experiment",
                where=result.run_id,
                fix="leave it out, or run the experiment again",
            )
        found.setdefault(name, []).append(result)
    return {name: _observed(name, of_name) for name, of_name in found.items()}


def _results_of(source: str, context: Context) -> Iterator[RunResult]:
    path = Path(source)
    if path.suffix in DOCUMENTS:
        raise ChaosctlError(
            "this is an experiment, and a gate compares results",
            where=source,
            fix=f"chaosctl run {source} --report out; chaosctl gate out --baseline FILE",
        )
    if path.is_dir():
        yield from _results_in(path)
    elif path.is_file():
        yield read_result_file(path)
    elif "/" in source or path.suffix:
        raise ChaosctlError(
            "there is no such file or folder",
            where=source,
            fix="give what `chaosctl run --report DIR` wrote, or ids of runs",
        )
    else:
        yield read_result(find_run(context, source).folder)


def _results_in(folder: Path) -> Iterator[RunResult]:
    """Of a run folder its result; else the results in files and run folders inside."""
    try:
        if (folder / RESULT).is_file() or (folder / FILE_NAME).is_file():
            yield read_result(folder)
            return
        # A run folder without a result is not passed over either: reading it says what it lacks.
        runs = {path.parent / RESULT for path in folder.glob(f"*/{FILE_NAME}")}
        paths = sorted({*folder.glob("*.json"), *folder.glob(f"*/{RESULT}"), *runs})
    except OSError as error:
        raise ChaosctlError(
            f"folder cannot be read: {error.strerror}", where=str(folder), fix="make it readable"
        ) from error
    if len(paths) > FILES_MAX:
        raise ChaosctlError(
            f"{len(paths)} files are more than {FILES_MAX}",
            where=str(folder),
            fix="give a folder with the runs to compare",
        )
    for path in paths:
        if path.name == RESULT:
            yield read_result(path.parent)
        elif _may_be_result(path):
            yield read_result_file(path)


def _may_be_result(path: Path) -> bool:
    """Whether the file is no other kind of ours: what is broken is not passed over."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return True
    schema = str(found.get("schema", "")) if isinstance(found, dict) else ""
    return not schema.startswith("chaosctl/") or schema.startswith(SCHEMA.rpartition("/")[0])


def _observed(name: str, results: Sequence[RunResult]) -> Observed:
    documents = [_document(result) for result in results]
    sources = {source for source, _ in documents if source}
    if len(sources) > 1 and len({digest for _, digest in documents}) > 1:
        raise ChaosctlError(
            f"two experiments are called {name!r}",
            where=" and ".join(sorted(sources)),
            fix="rename one of the files: the baseline file knows them by name",
        )
    try:
        runs = tuple(_seen(result) for result in results)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ChaosctlError(
            f"result is damaged: {type(error).__name__}: {error}",
            where=f"{name}: {', '.join(result.run_id for result in results)}",
            fix="run it again, with --report",
        ) from error
    return Observed(name, runs, next(iter(sources), ""))


def _document(result: RunResult) -> tuple[str, str]:
    document = result.detail.get("document")
    if not isinstance(document, dict):
        return "", ""
    return str(document.get("source", "")), str(document.get("sha256", ""))


def _seen(result: RunResult) -> RunSeen:
    detail: Mapping[str, Any] = result.detail
    _, digest = _document(result)
    return RunSeen(
        run_id=result.run_id,
        verdict=result.verdict,
        undo=result.undo,
        reason=result.reason,
        score=_number(detail.get("score")),
        recovery_ms=_number(detail.get("recovery_ms")),
        checks={
            str(check["name"]): CheckSeen(
                _number(check["worst"]), _number(check["margin"]), str(check["limit"])
            )
            for check in detail.get("checks", ())
        },
        document=f"sha256:{digest}" if digest else "",
        # Who was killed could not say by whom; what a watchdog wrote has no such key.
        is_cut_short=bool(detail.get("ended_by", "another process")),
        trusted=tuple(str(name) for name in detail.get("trusted") or ()),
    )


def _number(found: Any) -> float:
    """null is how JSON says that a value is not known."""
    if found is None:
        return math.nan
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise TypeError(f"{found!r} is no number")
    return float(found)
