"""The examples in Python of the project's pages run and answer as printed."""

from __future__ import annotations

import doctest


def test_examples_of_the_store_run(root):
    found = doctest.testfile(
        str(root / "docs" / "atlas.md"), module_relative=False, encoding="utf-8"
    )
    assert found.failed == 0
    assert found.attempted > 5
