"""What a command found does not depend on who reads what it prints."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path("tests/data/gate/example").absolute()
REGRESSION = ("gate", str(EXAMPLE), "--baseline", str(EXAMPLE / "stricter.json"))
"""Ends with exit code 1."""


def shell(command: str, *arguments: str, **environment: str) -> tuple[int, str]:
    """Exit code of a line of bash, in which "$@" is chaosctl with arguments; and all it printed."""
    done = subprocess.run(
        ["bash", "-c", command, "bash", sys.executable, "-m", "chaosctl", *arguments],
        env={k: v for k, v in os.environ.items() if k != "CHAOSCTL_DEBUG"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        'set -o pipefail; "$@" | true',
        'set -o pipefail; PYTHONUNBUFFERED=1 "$@" 2>&1 | true',
        '"$@" >&- 2>&- <&-',
        '"$@" >/dev/full 2>/dev/full',
    ],
)
def test_a_regression_is_one_whoever_reads_it(command):
    code, said = shell(command, *REGRESSION)
    assert (code, "bug" in said) == (1, False)


def test_an_error_that_nobody_can_read_keeps_its_code():
    assert shell('"$@" 2>/dev/full', "list", "faultss")[0] == 2


def test_output_that_is_lost_on_a_full_disk_is_no_success():
    code, said = shell('"$@" >/dev/full', "schema")
    assert code == 2
    assert "standard output cannot be written: No space left on device\n  fix: " in said


def test_an_encoding_without_our_signs_is_no_bug():
    code, said = shell('"$@"', *REGRESSION, PYTHONIOENCODING="ascii")
    assert code == 1
    assert "bug" not in said
    assert said.isascii()


def test_a_name_that_is_no_text_can_be_spoken_of():
    code, said = shell('"$@" "$(printf "\\377.yaml")"', "validate")
    assert code == 2
    assert "cannot read the file" in said


def test_a_closed_stream_is_not_taken_by_the_next_file(tmp_path):
    text = (
        "from chaosctl.streams import open_streams; open_streams();"
        f"file = open({str(tmp_path / 'journal')!r}, 'w'); print('said'); print(file.fileno() > 2)"
    )
    subprocess.run(
        ["bash", "-c", 'exec "$@" >&- 2>&-', "bash", sys.executable, "-c", text],
        timeout=30,
        check=True,
    )
    assert (tmp_path / "journal").read_text() == ""
