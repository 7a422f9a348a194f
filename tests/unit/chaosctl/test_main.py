"""The program's entry, before there is a command line to speak of."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from chaosctl.__main__ import main


class _Interrupted(ModuleType):
    def __getattr__(self, name: str) -> object:
        raise KeyboardInterrupt


def test_interrupt_while_it_is_imported_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("chaosctl.streams.open_streams", lambda: None)  # pytest has its own
    monkeypatch.setitem(sys.modules, "chaosctl.cli", _Interrupted("chaosctl.cli"))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "interrupted; nothing is running\n"
