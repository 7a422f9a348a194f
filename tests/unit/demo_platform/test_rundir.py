"""The runtime folder: claimed by one, never shared, never somebody else's files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from demo_platform import rundir
from demo_platform.errors import DemoError
from demo_platform.process import started_ticks


def refusal(path: Path) -> DemoError:
    with pytest.raises(DemoError) as caught:
        rundir.claim(path)
    assert caught.value.fix
    assert caught.value.where == str(path) or str(path) in caught.value.where
    return caught.value


def test_new_folder_is_ours_alone(tmp_path: Path) -> None:
    claimed = rundir.claim(tmp_path / "a" / "demo")
    assert claimed.path.stat().st_mode & 0o777 == 0o700
    os.close(claimed.lock_fd)


def test_folder_of_a_living_keeper_is_refused(tmp_path: Path) -> None:
    claimed = rundir.claim(tmp_path / "demo")
    keeper = {"pid": os.getpid(), "started_ticks": started_ticks()}
    rundir.write_keeper(claimed, keeper)
    assert refusal(tmp_path / "demo").what == f"a platform is already up: keeper {os.getpid()}"
    os.close(claimed.lock_fd)


def test_what_a_dead_world_left_is_taken_away(tmp_path: Path) -> None:
    left = rundir.claim(tmp_path / "demo")
    rundir.write_keeper(left, {"pid": 1, "started_ticks": 0})
    (left.files / "i-1").mkdir(parents=True)
    (left.path / "store.sock").touch()
    os.close(left.lock_fd)
    claimed = rundir.claim(tmp_path / "demo")
    assert not list(claimed.path.iterdir())
    os.close(claimed.lock_fd)


def test_foreign_files_are_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine")
    assert "thesis.txt" in refusal(folder).what
    assert (folder / "thesis.txt").read_text() == "mine"


def test_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "demo").symlink_to(tmp_path / "real")
    assert "link or a file" in refusal(tmp_path / "demo").what


def test_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("")
    assert "link or a file" in refusal(tmp_path / "demo").what
    assert "cannot make" in refusal(tmp_path / "demo" / "below").what


def test_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "demo").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    assert "belongs to user" in refusal(tmp_path / "demo").what


def test_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    assert "too long for a unix socket" in refusal(long).what
    assert not long.exists()


def test_broken_keeper_file_is_no_keeper(tmp_path: Path) -> None:
    (tmp_path / rundir.KEEPER_FILE).write_text("{half")
    assert rundir.read_keeper(tmp_path) == {}
    assert rundir.read_keeper(tmp_path / "nowhere") == {}


def test_saved_log_outlives_the_folder_until_the_next_claim(tmp_path: Path) -> None:
    claimed = rundir.claim(tmp_path / "demo")
    (claimed.path / rundir.LOG_FILE).write_text("why")
    saved = rundir.keep_log(claimed.path)
    os.close(claimed.lock_fd)
    rundir.remove(claimed.path)
    assert saved.read_text() == "why"
    os.close(rundir.claim(tmp_path / "demo").lock_fd)
    assert not saved.exists()
