"""`chaosctl import`: what a document of another tool will do here, and what is stricter."""

from __future__ import annotations

from typing import Annotated

import typer

from chaosctl.commands.options import AsJson, Settings


def import_(
    document: Annotated[str, typer.Argument(metavar="FILE", help="A Chaos Toolkit document.")],
    settings: Settings = None,
    as_json: AsJson = False,
) -> int:
    """Show what a Chaos Toolkit document will do here, and what is stricter than at its home.

    Touches and performs nothing; `chaosctl run FILE` runs the document as it is. Exits 2 if it
    cannot be run, with every error at its file, line and column.

    Examples: chaosctl import experiment.json | chaosctl import experiment.yaml --json
    """
    import json

    from chaosctl.errors import InvalidExperiment, Problem
    from chaosctl.experiment.load import find
    from chaosctl.importers.toolkit_nodes import is_toolkit
    from chaosctl.importers.toolkit_reading import read_toolkit
    from chaosctl.judge.verdict import EXIT_CODES, Verdict
    from chaosctl.report.imported import as_json as document_json
    from chaosctl.report.imported import render_document
    from chaosctl.report.problems import as_json as problem_json

    found = find(document)
    if not is_toolkit(found.text, found.source):
        fix = "give a document with a method of activities; `chaosctl validate` reads our own"
        what = "this is no Chaos Toolkit document"
        raise InvalidExperiment([Problem(what, found.source, fix)])
    try:
        read = read_toolkit(found.text, found.source, settings=settings or (), name=found.name)
    except InvalidExperiment as error:
        if not as_json:
            raise
        problems = [*map(problem_json, error.problems)]
        print(json.dumps({"schema": "chaosctl/import/v1", "runs": False, "problems": problems}))
        return EXIT_CODES[Verdict.INVALID]
    print(json.dumps(document_json(read)) if as_json else render_document(read))
    return 0
