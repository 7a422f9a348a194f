"""CHANGELOG.md keeps the form of Keep a Changelog."""

from __future__ import annotations

import re

ORDER = ["Security", "Removed", "Deprecated", "Added", "Changed", "Fixed"]
VERSION = re.compile(r"## \[(Unreleased|\d+\.\d+\.\d+)\]( - \d{4}-\d\d-\d\d)?$")


def versions(text: str) -> list[tuple[int, str, list[str]]]:
    """Line number, heading and section names of each version, newest first."""
    found: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("## "):
            found.append((number, line, []))
        elif line.startswith("### "):
            found[-1][2].append(line.removeprefix("### "))
    return found


def test_changelog_has_its_form(root, report):
    parts = versions((root / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert parts[0][1] == "## [Unreleased]", "CHANGELOG.md: the first version is Unreleased"
    report(
        f"CHANGELOG.md:{number}: {rule}"
        for number, heading, sections in parts
        for rule, is_kept in {
            f"'{heading}' is '## [1.2.3] - 2026-01-31'": VERSION.match(heading),
            f"sections are of {ORDER}": set(sections) <= set(ORDER),
            "sections stand in their order": sections == sorted(sections, key=ORDER.index)
            if set(sections) <= set(ORDER)
            else True,
        }.items()
        if not is_kept
    )
