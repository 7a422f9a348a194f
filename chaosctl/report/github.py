"""Annotations and step summaries as GitHub's runners read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chaosctl.report.evidence import Evidence
from chaosctl.report.findings import findings
from chaosctl.report.markdown import render_markdown


def annotations_of(evidence: Evidence) -> Iterator[str]:
    """A workflow command for each finding, at its line; nothing for what is well."""
    for one in findings(evidence):
        if one.level == "none":
            continue
        title = f"{evidence.title or evidence.name}: {one.title}"
        where = (
            f"file={_property(one.source)},line={one.line},col={one.column},"
            f"title={_property(title)}"
        )
        yield f"::{one.level} {where}::{_data(one.text)}"


def render_summary(found: Sequence[Evidence]) -> str:
    """The step summary of some runs."""
    return "\n".join(render_markdown(evidence) for evidence in found)


def _data(text: str) -> str:
    """Text that cannot begin a command of its own."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
