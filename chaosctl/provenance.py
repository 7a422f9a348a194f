"""What a run was made with: versions, the machine, the commit it looked at, its settings."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

COMMIT_VARIABLES = ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT")
"""Where CI servers say which commit they build."""

GIT_S_MAX = 2.0


def about_run(
    source: str, settings: Sequence[str], env: Mapping[str, str], folder: Path
) -> dict[str, Any]:
    """For the result of a run: what somebody needs to tell two runs apart, or to repeat one.

    source: where the document came from; folder: the working folder.
    """
    return {
        "chaosctl": version("chaosctl"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "commit": commit_of(folder / Path(source).parent, env),
        "settings": list(settings),
    }


def commit_of(folder: Path, env: Mapping[str, str]) -> str:
    """The commit a folder is at, marked `-dirty` if files differ from it; empty if unknown."""
    for name in COMMIT_VARIABLES:
        if found := env.get(name, ""):
            return found
    if not folder.is_dir():
        return ""
    describe = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *describe],
            capture_output=True,
            text=True,
            timeout=GIT_S_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):  # no git, or a repository too large to look over
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
