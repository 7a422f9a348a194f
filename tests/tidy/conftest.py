"""What tidy tests read: every source file, parsed once, and how they report."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

FOLDERS = ("atlas", "monkeys", "chaosctl", "experiments", "targets", "tests", "docs", ".ci")
TOP_FILES = ("*.md", "*.toml", "Makefile", ".github/workflows/*.yml")
DEMO = Path("targets/demo-platform")
NOT_OURS = {"__pycache__", ".mypy_cache", ".ruff_cache", ".hypothesis"}


@dataclass(frozen=True, slots=True)
class Source:
    """A Python file: path in the project, module name, text and syntax tree."""

    path: Path
    module: str
    text: str
    tree: ast.Module

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and full name of everything that is imported anywhere in the file."""
        package = self.module.split(".")
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                inside = self.path.stem == "__init__"
                up = package[: len(package) - node.level + inside] if node.level else []
                base = ".".join([*up, *([node.module] if node.module else [])])
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def module_of(path: Path) -> str:
    inside = path.relative_to(DEMO) if path.is_relative_to(DEMO) else path
    return ".".join(inside.with_suffix("").parts).removesuffix(".__init__")


@pytest.fixture(scope="session")
def files(root: Path) -> list[Path]:
    """Every file of the project, relative to its folder."""
    found = {p for name in FOLDERS for p in (root / name).rglob("*") if p.is_file()}
    found |= {p for pattern in TOP_FILES for p in root.glob(pattern)}
    inside = sorted(p.relative_to(root) for p in found)
    return [p for p in inside if not NOT_OURS & set(p.parts) and ".egg-info" not in str(p)]


@pytest.fixture(scope="session")
def sources(root: Path, files: list[Path]) -> list[Source]:
    """Every Python file of the project."""
    texts = {p: (root / p).read_text(encoding="utf-8") for p in files if p.suffix == ".py"}
    return [Source(p, module_of(p), text, ast.parse(text)) for p, text in texts.items()]


@pytest.fixture(scope="session")
def product(sources: list[Source]) -> list[Source]:
    """The Python files that are installed."""
    return [s for s in sources if s.path.parts[0] not in {"tests", "docs", ".ci"}]


@pytest.fixture
def report() -> Callable[[Iterable[str]], None]:
    """Fails with every broken rule, one a line: `file:line: rule`."""

    def fail_if_any(broken: Iterable[str]) -> None:
        lines = list(broken)
        if lines:
            pytest.fail("\n" + "\n".join(lines), pytrace=False)

    return fail_if_any
