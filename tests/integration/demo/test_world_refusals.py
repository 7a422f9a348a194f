"""What cannot be done is refused in one line with its fix, and leaves nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.demo.worlds import PLAIN, ROOT, world

pytestmark = pytest.mark.integration
PATH = f"{ROOT}:{ROOT / 'targets/demo-platform'}"


def refused(arguments: list[str], *before: str, env: dict[str, str] | None = None) -> str:
    """What `up` says while refusing; before: a program that runs it."""
    ended = subprocess.run(
        [*before, sys.executable, "-m", "demo_platform", "up", *arguments],
        env={**os.environ, "PYTHONPATH": PATH, **(env or {})},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode in {1, 2}
    assert "Traceback" not in ended.stderr
    assert "\n  fix: " in ended.stderr
    return ended.stderr


@pytest.fixture
def without_namespaces() -> list[str]:
    """A program that runs another where the kernel allows no user namespaces."""
    forbid = "echo 0 > /proc/sys/user/max_user_namespaces && exec "
    return ["unshare", "-r", "sh", "-c", forbid + '"$0" "$@"']


def test_forbidden_namespaces(tmp_path: Path, without_namespaces: list[str]) -> None:
    folder = tmp_path / "d"
    said = refused(["--dir", str(folder), "--fabric", "netns"], *without_namespaces)
    assert "user namespaces are forbidden" in said
    assert "sysctl -w user.max_user_namespaces" in said
    assert not folder.exists()


def test_forbidden_namespaces_fall_back_to_loopback(without_namespaces: list[str]) -> None:
    with world(
        "--size", "small", "--port", "18081", instances=PLAIN, through=without_namespaces
    ) as started:
        document = started.until_ready()
        assert document["fabric"] == "loopback"
        assert "user namespaces are forbidden" in document["fabric_reason"]
        assert {i["link"] for i in document["instances"]} == {""}
        assert document["instances"][0]["address"].startswith("127.")
    assert not started.folder.exists()


def test_missing_pyroute2(tmp_path: Path) -> None:
    (tmp_path / "pyroute2.py").write_text("raise ImportError('no pyroute2 here')\n")
    folder = tmp_path / "d"
    said = refused(
        ["--dir", str(folder), "--fabric", "netns"], env={"PYTHONPATH": f"{tmp_path}:{PATH}"}
    )
    assert "pyroute2 is missing" in said
    assert "pip install" in said
    assert not folder.exists()


def test_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.1.2.10", 18082)):
        said = refused(["--dir", str(tmp_path / "d"), "--fabric", "loopback", "--port", "18082"])
    assert "127.1.2.10:18082: port is in use" in said
    assert "--port" in said


def test_missing_companion(tmp_path: Path) -> None:
    said = refused(["--dir", str(tmp_path / "d"), '--companion=["/no/such/store"]'])
    assert "/no/such/store: cannot start a companion: No such file" in said
    assert not (tmp_path / "d").exists()


def test_missing_services_keep_the_log(tmp_path: Path) -> None:
    with world("--size", "small", instances="no.such.module") as started:
        assert started.keeper.wait(timeout=20) == 1
        said = started.said()
        assert "cannot import no.such.module" in said
        saved = Path(said.strip().rpartition("details: ")[2])
        assert "ModuleNotFoundError" in saved.read_text()
