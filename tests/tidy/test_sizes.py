"""Nothing too long to be read in one go, and no junk drawers."""

from __future__ import annotations

import ast
import sys

LINES_IN_FILE, LINES_IN_FUNCTION = 400, 50
VAGUE = {"utils", "helpers", "common", "base", "manager"}


def test_files_are_short(sources, report):
    report(
        f"{s.path}:{count}: a file has at most {LINES_IN_FILE} lines; split it by meaning"
        for s in sources
        if (count := s.text.count("\n")) > LINES_IN_FILE
    )


def test_functions_are_short(sources, report):
    report(
        f"{s.path}:{node.lineno}: a function has at most {LINES_IN_FUNCTION} lines"
        f" ({node.name} has {count})"
        for s in sources
        for node in ast.walk(s.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (count := (node.end_lineno or 0) - node.lineno + 1) > LINES_IN_FUNCTION
    )


def test_names_of_modules_say_what_is_inside(product, report):
    taken = VAGUE | sys.stdlib_module_names
    report(
        f"{s.path}:1: no module is named '{word}'"
        for s in product
        for word in [s.module.rsplit(".", 1)[-1]]
        if word in taken and not word.startswith("__")
    )


def test_packages_have_an_init_file(product, report):
    folders = {s.path.parent for s in product}
    with_init = {s.path.parent for s in product if s.path.name == "__init__.py"}
    report(f"{f}/__init__.py:1: a package has an __init__.py" for f in sorted(folders - with_init))
