"""The watched folder: what is loaded, what is kept, and what is said of files that fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from demo_platform.zuul.builtin import BUILT_IN
from demo_platform.zuul.filters import Phase
from demo_platform.zuul.folder import FILES_MAX, FilterFolder

GOOD = "TYPE = 'inbound'\nORDER = {order}\ndef apply(context):\n    pass\n"


def orders(folder: FilterFolder) -> dict[str, int]:
    """The order of each filter that is in force, by name."""
    return {one.name: one.order for one in folder.filters()}


def put(path: Path, source: str) -> None:
    """Write a file whose stamp differs from that of the one before, however coarse the clock."""
    path.write_text(source)
    put.turn += 1  # type: ignore[attr-defined]
    os.utime(path, ns=(put.turn, put.turn))  # type: ignore[attr-defined]


put.turn = 0  # type: ignore[attr-defined]


def test_files_come_change_and_go(tmp_path: Path) -> None:
    folder = FilterFolder(tmp_path, BUILT_IN)
    assert not folder.look()
    put(tmp_path / "mine.py", GOOD.format(order=1))
    assert folder.look()
    assert orders(folder)["mine"] == 1
    assert not folder.look()
    put(tmp_path / "mine.py", GOOD.format(order=2))
    assert folder.look()
    assert orders(folder)["mine"] == 2
    (tmp_path / "mine.py").unlink()
    assert folder.look()
    assert "mine" not in orders(folder)


def test_a_file_takes_the_place_of_one_that_comes_with_the_edge(tmp_path: Path) -> None:
    folder = FilterFolder(tmp_path, BUILT_IN)
    shipped = orders(folder)["shed_load"]
    put(tmp_path / "shed_load.py", GOOD.format(order=shipped + 1))
    folder.look()
    assert orders(folder)["shed_load"] == shipped + 1
    (tmp_path / "shed_load.py").unlink()
    folder.look()
    assert orders(folder)["shed_load"] == shipped


@pytest.mark.parametrize(
    ("source", "place", "what"),
    [
        ("TYPE = 'inbound'\nORDER = 1\ndef apply(context:\n", "3:10", "syntax error"),
        ("TYPE = 'inbound'\n\nimport nothing_there\n", "3:1", "ModuleNotFoundError: No module"),
        ("ORDER = 1\nx = 1 / 0\n", "2:5", "ZeroDivisionError: division by zero"),
        ("import sys\ndef f():\n    raise OSError\nf()\n", "3:5", "OSError"),
        ("ORDER = 1\ndef apply(context):\n    pass\n", "1:1", "no TYPE"),
        ("TYPE = 'inbound'\ndef apply(context):\n    pass\n", "1:1", "no ORDER"),
        ("TYPE = 'inbound'\nORDER = 1\n", "1:1", "no apply"),
        ("ORDER = 1\nTYPE = 'outward'\ndef apply(c): pass\n", "2:1", "TYPE is 'outward'"),
        ("ORDER = '1'\nTYPE = 'pre'\ndef apply(c): pass\n", "1:1", "ORDER is '1'"),
        ("TYPE = 'pre'\nORDER = 1\ndef apply(): pass\n", "3:1", "apply cannot be called"),
        ("TYPE = 'pre'\nORDER = 1\napply = 7\n", "3:1", "apply cannot be called"),
        (
            "TYPE = 'pre'\nORDER = 1\ndef apply(c): pass\nasync def should_filter(c): pass\n",
            "4:1",
            "should_filter is a coroutine",
        ),
        ("x = 'ä" + "\\" + "\n", "1:5", "syntax error"),
    ],
)
def test_a_file_that_fails_to_load_leaves_the_one_before(
    tmp_path: Path, source: str, place: str, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = FilterFolder(tmp_path, BUILT_IN)
    mine = tmp_path / "mine.py"
    put(mine, GOOD.format(order=1))
    folder.look()
    put(mine, source)
    assert not folder.look()
    assert orders(folder)["mine"] == 1
    problem = folder.problems["mine.py"]
    assert problem.where == f"{mine}:{place}"
    assert what in problem.what
    assert f"{mine}:{place}" in caplog.text
    put(mine, GOOD.format(order=3))
    assert folder.look()
    assert not folder.problems
    assert orders(folder)["mine"] == 3


def test_a_file_that_was_never_right_goes_without_a_trace(tmp_path: Path) -> None:
    folder = FilterFolder(tmp_path, BUILT_IN)
    put(tmp_path / "mine.py", "def")
    folder.look()
    assert list(folder.problems) == ["mine.py"]
    (tmp_path / "mine.py").unlink()
    folder.look()
    assert not folder.problems


def test_a_folder_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    place = tmp_path / "filters"
    place.mkdir()
    put(place / "mine.py", GOOD.format(order=1))
    folder = FilterFolder(place, BUILT_IN)
    folder.look()
    place.rename(tmp_path / "away")
    assert not folder.look()
    assert not folder.look()
    assert orders(folder)["mine"] == 1
    (problem,) = folder.problems.values()
    assert (problem.where, "cannot be read" in problem.what) == (str(place), True)
    (tmp_path / "away").rename(place)
    folder.look()
    assert not folder.problems
    assert orders(folder)["mine"] == 1


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.py").mkdir()
    folder = FilterFolder(tmp_path, BUILT_IN)
    folder.look()
    assert "cannot be read: Is a directory" in folder.problems["mine.py"].what


def test_there_are_only_so_many(tmp_path: Path) -> None:
    for number in range(FILES_MAX + 1):
        put(tmp_path / f"f{number:03}.py", GOOD.format(order=number))
    folder = FilterFolder(tmp_path, ())
    folder.look()
    assert len(folder.filters()) == FILES_MAX
    assert "keep 64 at most" in folder.problems["too many"].fix
    (tmp_path / "f000.py").unlink()
    folder.look()
    assert not folder.problems


def test_what_comes_with_the_edge_has_every_type() -> None:
    assert {one.phase for one in BUILT_IN} == set(Phase)
    assert all(one.source == "" for one in BUILT_IN)
