"""What `chaosctl run` does besides running."""

from __future__ import annotations

import pytest

from chaosctl.commands.run import keep_junit, write_junit
from chaosctl.errors import ChaosctlError


def test_results_that_cannot_be_written_are_told_and_hide_no_verdict(tmp_path, capsys):
    path = tmp_path / "no" / "out.xml"
    assert keep_junit(path, []) == 2
    assert "results cannot be written" in capsys.readouterr().err
    with pytest.raises(ChaosctlError, match="cannot be written"):
        write_junit(path, [])


def test_results_are_written_whole(tmp_path):
    path = tmp_path / "out.xml"
    assert keep_junit(path, []) == 0
    assert path.read_text().startswith("<?xml")
    assert [each.name for each in tmp_path.iterdir()] == ["out.xml"]
    assert keep_junit(None, []) == 0
