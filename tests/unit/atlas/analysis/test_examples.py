"""Every example of docs/analysis.md and of the modules runs and answers as printed."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import atlas.analysis

MODULES = [m.name for m in pkgutil.iter_modules(atlas.analysis.__path__, "atlas.analysis.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_module_run(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_examples_of_the_page_run(root):
    page = str(root / "docs" / "analysis.md")
    found = doctest.testfile(page, module_relative=False, encoding="utf-8")
    assert found.failed == 0
    assert found.attempted > 20


def test_page_names_every_function_of_its_table(root):
    text = (root / "docs" / "analysis.md").read_text(encoding="utf-8")
    for name in ("forecast", "score_anomalies", "find_change", "measure_trend"):
        assert f"\n## {name}\n" in text
