"""A store node's file on a disk that is really full: a small tmpfs in a mount namespace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

_STORY = """
import sys
from pathlib import Path
from demo_platform.widecolumn.cells import insertion
from demo_platform.widecolumn.disk import Disk, DiskFailed
folder = Path(sys.argv[1])
disk = Disk(folder / "store.db")
disk.write(("titles", b"kept", b""), insertion({"name": "kept"}, 5))
ballast = folder / "ballast"
try:
    with ballast.open("wb") as full:
        while True:
            full.write(bytes(4096))
            full.flush()
except OSError as error:
    print(error.strerror)
written = 0
try:
    for n in range(500):
        disk.write(("titles", b"more", bytes([n % 250])), insertion({"name": "x" * 3000}, 5 + n))
        written += 1
except DiskFailed as error:
    print(error)
print(len([one for one in disk.rows() if one[0][1] == b"kept"]), written == len(
    [one for one in disk.rows() if one[0][1] == b"more"]))
ballast.unlink()
disk.write(("titles", b"again", b""), insertion({"name": "x" * 3000}, 5))
print("again")
"""


def test_a_full_disk_is_said_and_nothing_written_is_lost(tmp_path: Path) -> None:
    mounted = f"mount -t tmpfs -o size=1m tmpfs {tmp_path}"
    shell = f"{mounted} && exec {sys.executable} -c '{_STORY}' {tmp_path}"
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", shell],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.splitlines() == [
        "No space left on device",
        "disk full",
        "1 True",
        "again",
    ], done.stderr
