"""Where a run came from."""

from __future__ import annotations

import subprocess
from pathlib import Path

from chaosctl.provenance import about_run, commit_of


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_commit_is_of_the_folder_and_says_when_files_differ(tmp_path: Path) -> None:
    assert commit_of(tmp_path, {}) == ""
    git(tmp_path, "init", "-q")
    (tmp_path / "a.yaml").write_text("a")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "a")
    git(tmp_path, "tag", "-a", "v1", "-m", "v1")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert commit_of(tmp_path, {}) == head
    (tmp_path / "a.yaml").write_text("b")
    assert commit_of(tmp_path, {}) == f"{head}-dirty"
    assert commit_of(tmp_path / "nowhere", {}) == ""


def test_ci_says_which_commit_it_builds(tmp_path: Path) -> None:
    assert commit_of(tmp_path, {"GITHUB_SHA": "1f3c"}) == "1f3c"
    about = about_run("a.yaml", ("k=v",), {"CI_COMMIT_SHA": "abc"}, tmp_path)
    assert about["commit"] == "abc"
    assert about["settings"] == ["k=v"]
    assert about["chaosctl"]
