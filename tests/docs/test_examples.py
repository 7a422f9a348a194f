"""The examples in Python of the project's pages run and answer as printed."""

from __future__ import annotations

import doctest


def test_examples_of_the_store_run(root):
    found = doctest.testfile(
        str(root / "docs" / "atlas.md"), module_relative=False, encoding="utf-8"
    )
    assert found.failed == 0
    assert found.attempted > 5


def test_examples_of_the_analysis_run(root):
    page = str(root / "docs" / "analysis.md")
    found = doctest.testfile(page, module_relative=False, encoding="utf-8")
    assert found.failed == 0
    assert found.attempted > 20


def test_page_of_the_analysis_names_every_function_of_its_table(root):
    text = (root / "docs" / "analysis.md").read_text(encoding="utf-8")
    for name in ("forecast", "score_anomalies", "find_change", "measure_trend"):
        assert f"\n## {name}\n" in text
