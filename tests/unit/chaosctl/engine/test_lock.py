"""Locks on targets, in a folder that nobody can trust."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chaosctl.context import Context
from chaosctl.engine.lock import lock_name, lock_target, read_holders
from chaosctl.errors import NotStarted


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(env={"CHAOSCTL_LOCK_DIR": str(tmp_path / "locks")})


def test_lock_is_refused_to_the_second_and_names_the_first(
    context: Context, tmp_path: Path
) -> None:
    first = lock_target(context, "world/1", tmp_path / "20260314-0915-k7f")
    with pytest.raises(NotStarted) as caught:
        lock_target(context, "world/1", tmp_path / "other")
    assert "taken by run 20260314-0915-k7f of " in caught.value.what
    assert f"process {os.getpid()}" in caught.value.what
    lock_target(context, "world/2", tmp_path / "other").release()
    first.release()
    lock_target(context, "world/1", tmp_path / "other").release()


def test_lock_lives_while_anybody_has_its_descriptor(context: Context, tmp_path: Path) -> None:
    lock = lock_target(context, "w", tmp_path / "one")
    heir = os.dup(lock.descriptor)
    lock.release(is_over=False)
    with pytest.raises(NotStarted):
        lock_target(context, "w", tmp_path / "two")
    os.close(heir)
    lock_target(context, "w", tmp_path / "two").release()


def test_lock_of_a_run_that_is_over_is_free_whoever_has_inherited_it(
    context: Context, tmp_path: Path
) -> None:
    lock = lock_target(context, "w", tmp_path / "one")
    inherited = os.dup(lock.descriptor)
    lock.release()
    lock_target(context, "w", tmp_path / "two").release()
    os.close(inherited)


def test_lock_of_a_holder_that_was_killed_is_free(context: Context, tmp_path: Path) -> None:
    held = lock_target(context, "w", tmp_path / "dead")
    holder = subprocess.Popen(["sleep", "600"], pass_fds=[held.descriptor])
    held.release(is_over=False)
    with pytest.raises(NotStarted, match="taken by run dead"):
        lock_target(context, "w", tmp_path / "next")
    holder.kill()
    holder.wait()
    assert read_holders(context)[0]["run"] == "dead"  # what it says is old; the lock is not
    lock_target(context, "w", tmp_path / "next").release()


def test_of_two_that_begin_at_once_one_has_the_lock(context: Context, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from chaosctl.context import Context\n"
        "from chaosctl.engine.lock import lock_target\n"
        "from chaosctl.errors import NotStarted\n"
        "sys.stdin.readline()\n"
        "try:\n    lock_target(Context(), 'w', Path(sys.argv[1])); print('had', flush=True)\n"
        "except NotStarted:\n    print('refused', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    environment = os.environ | dict(context.env) | {"PYTHONPATH": os.pathsep.join(sys.path)}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program, f"run-{number}"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    for one in both:
        one.stdin.write("go\n")
        one.stdin.flush()
    said = [one.stdout.readline().strip() for one in both]
    for one in both:
        one.communicate("end\n", timeout=10)
    assert sorted(said) == ["had", "refused"]


def test_lock_folder_is_for_everybody(context: Context, tmp_path: Path) -> None:
    lock_target(context, "w", tmp_path / "one").release()
    assert context.lock_dir.stat().st_mode & 0o7777 == 0o1777
    assert (context.lock_dir / "w").stat().st_mode & 0o777 == 0o666
    assert read_holders(context)[0]["run"] == "one"


@pytest.mark.parametrize("kind", ["link", "fifo", "twin", "folder"])
def test_lock_refuses_what_is_not_a_plain_file(context: Context, tmp_path: Path, kind: str) -> None:
    context.lock_dir.mkdir()
    path, mine = context.lock_dir / "w", tmp_path / "mine"
    mine.write_text("precious")
    if kind == "link":
        path.symlink_to(mine)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "twin":
        path.hardlink_to(mine)
    else:
        path.mkdir()
    with pytest.raises(NotStarted) as caught:
        lock_target(context, "w", tmp_path / "one")
    assert "CHAOSCTL_LOCK_DIR" in caught.value.fix
    assert mine.read_text() == "precious"


def test_lock_names_hold_any_id() -> None:
    assert lock_name("a/b c..") == "a%2fb%20c.."
    assert lock_name("i-1") != lock_name("i/1")


def test_lock_names_of_long_and_dotted_ids_differ() -> None:
    assert lock_name("x" * 300) != lock_name("x" * 299 + "y")
    assert lock_name("..") not in ("..", ".")
