"""Reports as files, each written whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from chaosctl.context import Context
from chaosctl.engine.history import earlier_runs, result_before
from chaosctl.engine.journal import to_json, write_whole
from chaosctl.engine.result import RunResult
from chaosctl.report.accepted_difference import (
    AcceptedDifference,
    accepted_difference,
    find_baseline_file,
)
from chaosctl.report.evidence import Evidence, read_evidence
from chaosctl.report.github import annotations_of, render_summary
from chaosctl.report.images import chosen_lines, draw_images
from chaosctl.report.junit import render_junit
from chaosctl.report.markdown import render_markdown
from chaosctl.report.page import render_html
from chaosctl.report.sarif import sarif_of
from chaosctl.report.wanted import STDOUT, Outputs, unwritable

IMAGES_IN_MARKDOWN = 2


def write_outputs(
    context: Context,
    wanted: Outputs,
    results: Sequence[RunResult],
    *,
    before: RunResult | None = None,
) -> list[Path]:
    """Write everything that is wanted, and return the files. Raises ChaosctlError.

    before: what to compare with; by default the last earlier run of the same experiment.
    """
    kept = [result for result in results if result.folder is not None]
    found = [read_evidence(result.folder) for result in kept if result.folder is not None]
    pasts = {e.result.run_id: earlier_runs(context, e.result, wanted.trend) for e in found}
    befores = {e.result.run_id: before or result_before(context, e.result) for e in found}
    written: list[Path] = []
    images: Mapping[str, str] = {}
    if wanted.png is not None:
        images, files = _write_images(wanted.png, found, beside=wanted.markdown)
        written += files
    if wanted.html is not None and found:
        run_id = found[0].result.run_id
        page = render_html(
            found[0],
            before=befores[run_id],
            trend=pasts[run_id],
            accepted=_accepted(found[0], wanted),
        )
        written += _write(wanted.html, page)
    if wanted.markdown is not None:
        texts = (
            render_markdown(
                e,
                before=befores[e.result.run_id],
                accepted=_accepted(e, wanted),
                images=images,
            )
            for e in found
        )
        written += _write(wanted.markdown, "\n".join(texts))
    if wanted.sarif is not None:
        log = sarif_of(found, version("chaosctl"))
        written += _write(wanted.sarif, to_json(log, indent=1) + "\n")
    if wanted.junit is not None:
        written += _write(wanted.junit, render_junit(results))
    if wanted.summary:
        written += _summarize(context, wanted.summary, found)
    return written


def write_into(context: Context, folder: Path, result: RunResult) -> None:
    """The HTML and Markdown of one run, named by it, beside its result. Raises ChaosctlError."""
    wanted = Outputs(folder / f"{result.run_id}.html", folder / f"{result.run_id}.md")
    write_outputs(context, wanted, [result])


def _accepted(evidence: Evidence, wanted: Outputs) -> AcceptedDifference | None:
    file = wanted.baseline or find_baseline_file(evidence.source)
    return accepted_difference(evidence.result, file) if file else None


def _write_images(
    folder: Path, found: Iterable[Evidence], *, beside: Path | None
) -> tuple[Mapping[str, str], list[Path]]:
    """A PNG for each chart of each run; and, for Markdown, the names of the ones that matter."""
    files: list[Path] = []
    named: dict[str, str] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for evidence in found:
            lines = chosen_lines(evidence, len(evidence.series.lines))
            for number, (name, image) in enumerate(draw_images(evidence, lines).items(), 1):
                path = folder / f"{evidence.result.run_id}-{number}.png"
                path.write_bytes(image)
                files.append(path)
                if number <= IMAGES_IN_MARKDOWN:
                    start = beside.parent if beside not in (None, STDOUT) and beside else Path()
                    named[name] = os.path.relpath(path, start)
    except OSError as error:
        raise unwritable(folder, error.strerror or str(error)) from error
    return named, files


def _summarize(context: Context, summary: str, found: Sequence[Evidence]) -> list[Path]:
    """To the named file; or, with `auto`, to the CI server that we run on, with annotations."""
    if summary != "auto":
        return _write(Path(summary), render_summary(found))
    if context.env.get("GITHUB_ACTIONS") == "true":
        for evidence in found:
            for line in annotations_of(evidence):
                print(line, file=context.stderr)
    step_summary = context.env.get("GITHUB_STEP_SUMMARY", "")
    if not step_summary:
        return []
    try:
        with Path(step_summary).open("a", encoding="utf-8") as file:  # other steps write there, too
            file.write(render_summary(found))
    except OSError as error:
        raise unwritable(Path(step_summary), error.strerror or str(error)) from error
    return [Path(step_summary)]


def _write(path: Path, text: str) -> list[Path]:
    if path == STDOUT:
        sys.stdout.write(text)
        return []
    try:
        write_whole(path, text)
    except OSError as error:
        raise unwritable(path, error.strerror or str(error)) from error
    return [path]
