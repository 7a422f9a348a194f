"""An instance's disk: its working directory, and of a fixed size where the kernel can hold it so.

In a world with namespaces it is a tmpfs of its own, so that it can be full (ENOSPC) without
anybody else's being so, and takes memory only for what is in it. Elsewhere it is a plain folder.
A disk goes with its instance, as a host's own does. One with the name of a volume stays, and the
next instance that is told this name finds what the last one wrote.
"""

import shutil
from pathlib import Path

from demo_platform import namespaces
from demo_platform.topology import InstanceSpec

DISK_BYTES = 4 * 2**20
VOLUME_BYTES = 16 * 2**20


def attach(files: Path, spec: InstanceSpec, *, has_namespaces: bool) -> Path:
    """Make the instance's disk, or find its volume again; the folder where it is.

    Raises OSError when the kernel refuses.
    """
    folder = _folder_of(files, spec)
    folder.mkdir(exist_ok=bool(spec.volume))
    if has_namespaces and not folder.is_mount():
        size_bytes = VOLUME_BYTES if spec.volume else DISK_BYTES
        namespaces.mount_files(folder, size_bytes=size_bytes)
    return folder


def detach(files: Path, spec: InstanceSpec, *, has_namespaces: bool) -> None:
    """Take the disk of a dead instance away with all that is on it; a volume stays."""
    folder = _folder_of(files, spec)
    if spec.volume or not folder.exists():
        return
    if has_namespaces and folder.is_mount():
        namespaces.unmount(folder)
    # The zygote must live; what cannot be removed now goes with the world.
    shutil.rmtree(folder, ignore_errors=True)


def _folder_of(files: Path, spec: InstanceSpec) -> Path:
    return files / (spec.volume or spec.id)
