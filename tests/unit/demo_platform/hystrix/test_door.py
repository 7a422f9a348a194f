"""Looking into a world from outside: what is refused before anything is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo_platform.__main__ import EXIT_INVALID, EXIT_NO_WORLD, main


def test_a_folder_without_a_world_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["streams", "--dir", str(tmp_path)]) == EXIT_NO_WORLD
    assert "no world answers there" in capsys.readouterr().err


def test_a_port_that_cannot_be_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["streams", "--dir", "/x", "--port", "80"]) == EXIT_INVALID
    assert "use 1024 to 60000" in capsys.readouterr().err
