"""`chaosctl validate`: every error of a document, at its line and column."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from chaosctl.commands.options import AsJson, Settings


def validate(
    documents: Annotated[
        list[str], typer.Argument(metavar="FILE|NAME...", help="Documents, or bundled names.")
    ],
    settings: Settings = None,
    as_json: AsJson = False,
) -> int:
    """Check documents, and say every error at its file, line and column.

    Exits 0 when all are right, 2 when one is not. Touches nothing but the files.

    Examples: chaosctl validate zone.yaml | chaosctl validate kill-one --json
    """
    import json

    from chaosctl.errors import InvalidExperiment, Problem
    from chaosctl.experiment.load import find
    from chaosctl.importers.toolkit_experiment import load_any
    from chaosctl.judge.verdict import EXIT_CODES, Verdict
    from chaosctl.report.problems import as_json as problem_json
    from chaosctl.report.problems import render_problem

    found: dict[str, list[Problem]] = {}
    for document in documents:
        found[document] = []
        try:
            load_any(find(document), settings or ())
        except InvalidExperiment as error:
            found[document] = error.problems
    if as_json:
        rows = [
            {"document": name, "valid": not problems, "problems": [*map(problem_json, problems)]}
            for name, problems in found.items()
        ]
        print(json.dumps({"schema": "chaosctl/validation/v1", "documents": rows}))
    else:
        for name, problems in found.items():
            for problem in problems:
                print(render_problem(problem))
            if not problems:
                print(f"{name}: ok")
    wrong = sum(1 for problems in found.values() if problems)
    if wrong and not as_json:
        count = sum(map(len, found.values()))
        print(f"{count} error(s) in {wrong} of {len(found)} document(s)", file=sys.stderr)
    return EXIT_CODES[Verdict.INVALID] if wrong else EXIT_CODES[Verdict.PASSED]
