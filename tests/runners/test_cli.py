"""What a person sees who asks for help or makes a mistake: tests/data/cli/*.txt.

A file holds cases. `$ ` is a command line; below it `| ` is standard output, `! ` standard error,
and the last line its exit code. Cases run in one process, in empty folders, 88 columns wide.
Where a line is wrapped does not matter. `make accept` rewrites the files.
"""

from __future__ import annotations

import difflib
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "data" / "cli"


def cases(text: str) -> Iterator[tuple[str, str]]:
    """Command line and expected answer of each case."""
    for part in text.split("\n$ "):
        line, _, answer = part.removeprefix("$ ").partition("\n")
        yield line, answer.strip("\n")


@pytest.fixture
def folder():
    """A folder with a short name: a socket's path has room for about a hundred bytes."""
    with tempfile.TemporaryDirectory(prefix="cli-") as name:
        yield Path(name)


@pytest.fixture
def ask(monkeypatch, folder, capsys):
    """Runs a command line and says its answer in the form of the files."""
    from chaosctl.cli import run_cli

    for name in ("CHAOSCTL_STATE_DIR", "CHAOSCTL_RUNTIME_DIR", "CHAOSCTL_LOCK_DIR", "HOME"):
        monkeypatch.setenv(name, str(folder / name.lower()))
    for name, value in {"COLUMNS": "88", "TERMINAL_WIDTH": "88", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    for name in ("CHAOSCTL_CONFIG", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)

    def answer(line: str) -> str:
        code = run_cli(shlex.split(line)[1:])
        said = capsys.readouterr()
        marked = [
            (m, line) for m, text in zip("|!", said, strict=True) for line in text.splitlines()
        ]
        lines = [f"{mark} {line}".replace(str(folder), "TMP").rstrip() for mark, line in marked]
        return "\n".join([*lines, f"exit {code}"])

    return answer


def words(answer: str) -> list[str]:
    """The answer without its wrapping."""
    return [word for line in answer.split("\n") for word in line.lstrip("|!").split()]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_command_answers_as_the_file_says(path, ask, request):
    text = path.read_text(encoding="utf-8")
    answers = [(line, expected, ask(line)) for line, expected in cases(text)]
    assert answers, f"{path.name} has no case"
    if request.config.getoption("--accept"):
        path.write_text("\n\n".join(f"$ {line}\n{now}" for line, _, now in answers) + "\n")
        return
    for line, expected, now in answers:
        if words(expected) != words(now):
            diff = difflib.unified_diff(
                expected.split("\n"), now.split("\n"), "file", "now", "", "", 9
            )
            pytest.fail(f"{path}: {line}\n" + "\n".join(diff), pytrace=False)
