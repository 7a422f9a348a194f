"""The kernel's side of a world: namespaces, id maps, mounts, and links set up from inside.

All of it works for an ordinary user where the kernel lets him have user namespaces, and by the
same path for root. Nothing here needs a program such as `ip` or `unshare`.
"""

import ctypes
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from demo_platform.errors import DemoError

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWPID = 0x20000000
_CLONE_NEWNET = 0x40000000

_MS_NOSUID, _MS_NODEV = 0x2, 0x4
_MS_BIND, _MS_REC, _MS_PRIVATE, _MS_SHARED = 0x1000, 0x4000, 0x40000, 0x100000
_MNT_DETACH = 2

_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914
_SIOCSIFADDR, _SIOCSIFNETMASK = 0x8916, 0x891C
_SIOCSARP = 0x8955
_IFF_UP = 0x1
_ATF_COMPLETE, _ATF_PERMANENT = 0x2, 0x4
_ARPHRD_ETHER = 1


@dataclass(frozen=True, slots=True)
class _Obstacle:
    """A setting that forbids user namespaces: its file, the value that forbids, the cure."""

    path: str
    forbids: str
    fix: str


_OBSTACLES = (
    _Obstacle(
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "sudo sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    _Obstacle(
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    _Obstacle(
        "/proc/sys/user/max_user_namespaces", "0", "sudo sysctl -w user.max_user_namespaces=10000"
    ),
    _Obstacle(
        "/proc/sys/user/max_net_namespaces", "0", "sudo sysctl -w user.max_net_namespaces=10000"
    ),
)


def enter_world() -> None:
    """Give this process new user, network and mount namespaces, and its children a new pid one.

    Afterwards it is root inside and the same user as before outside. Must be called while the
    process has one thread. Raises DemoError with the cure when the kernel refuses.
    """
    uid, gid = os.getuid(), os.getgid()
    try:
        _unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWNS | _CLONE_NEWPID)
        # The kernel lets an ordinary user map his group only once setgroups is given up.
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
        _mount("none", "/", "", _MS_REC | _MS_PRIVATE, "")
    except OSError as error:
        raise refused(error) from error


def refused(error: OSError) -> DemoError:
    """Why the kernel refuses namespaces to this user, with the setting to change if one is seen."""
    for obstacle in _OBSTACLES:
        try:
            value = Path(obstacle.path).read_text().strip()
        except OSError:
            continue  # this kernel does not have the setting
        if value == obstacle.forbids:
            return DemoError(
                f"user namespaces are forbidden: {error.strerror}",
                where=obstacle.path,
                fix=f"{obstacle.fix}, or use --fabric loopback (process faults only)",
            )
    if error.errno in {errno.ENOSPC, errno.EUSERS}:
        fix = "sudo sysctl -w user.max_user_namespaces=10000 user.max_net_namespaces=10000"
    else:
        fix = "in a container, start it with --security-opt seccomp=unconfined"
    return DemoError(
        f"namespaces are refused: {error.strerror}",
        where="unshare",
        fix=f"{fix}, or use --fabric loopback (process faults only)",
    )


def leave_network() -> None:
    """Give this process a network namespace of its own, with nothing in it but a loopback."""
    _unshare(_CLONE_NEWNET)


def leave_mounts() -> None:
    """Give this process a mount namespace of its own, with all that is mounted now."""
    _unshare(_CLONE_NEWNS)


def mount_files(folder: Path, *, size_bytes: int) -> None:
    """Lay a tmpfs over a folder; seen in this mount namespace only."""
    flags = _MS_NOSUID | _MS_NODEV
    _mount("tmpfs", str(folder), "tmpfs", flags, f"size={size_bytes},mode=0700")


def share_mounts(folder: Path) -> None:
    """Have what is mounted below a mount, or taken away there, be so for every process of a world.

    A process that leaves with mounts of its own would otherwise keep a disk alive whose instance
    is dead.
    """
    _mount("none", str(folder), "", _MS_REC | _MS_SHARED, "")


def bind_file(source: Path, over: str) -> None:
    """Lay a file over another; seen in this mount namespace only."""
    _mount(str(source), over, "", _MS_BIND, "")


def unmount(folder: Path) -> None:
    """Take a mount away even while files in it are open."""
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.umount2(os.fsencode(folder), _MNT_DETACH), f"umount {folder}")


def raise_link(name: str, address: str = "", prefix_length: int = 8) -> None:
    """Give a link of this network namespace an IPv4 address, if one is named, and bring it up.

    By ioctl rather than netlink: three small calls, and no library to load into each instance.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        if address:
            mask = socket.inet_ntoa(
                struct.pack("!I", 0xFFFFFFFF << (32 - prefix_length) & 2**32 - 1)
            )
            fcntl.ioctl(control, _SIOCSIFADDR, _ifreq_address(name, address))
            fcntl.ioctl(control, _SIOCSIFNETMASK, _ifreq_address(name, mask))
        answer = fcntl.ioctl(control, _SIOCGIFFLAGS, struct.pack("16s24x", name.encode()))
        (flags,) = struct.unpack_from("H", answer, 16)
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH22x", name.encode(), flags | _IFF_UP))


def hardware_address(address: str) -> str:
    """The hardware address of whoever has an IPv4 address in a world, made of that alone.

    So a replaced instance that keeps its address (discovery) is found at once by peers that
    remember its predecessor, and nobody needs to ask.
    """
    return "02:00:" + ":".join(f"{octet:02x}" for octet in socket.inet_aton(address))


def remember_neighbours(link: str, addresses: Iterable[str]) -> None:
    """Enter peers into the neighbour table for good, so that no question is sent for them.

    The kernel has one such table for all network namespaces of the machine, of 1024 entries by
    default: two worlds of seventy instances that learn their peers by asking overflow it, and
    then nobody on the machine reaches anybody. Entries made for good are not counted.
    """
    flags = _ATF_COMPLETE | _ATF_PERMANENT
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for address in addresses:
            protocol = struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
            octets = bytes.fromhex(hardware_address(address).replace(":", ""))
            hardware = struct.pack("=H6s8x", _ARPHRD_ETHER, octets)
            request = struct.pack("=16s16si16x16s", protocol, hardware, flags, link.encode())
            fcntl.ioctl(control, _SIOCSARP, request)


def _ifreq_address(name: str, address: str) -> bytes:
    family_and_port = struct.pack("=HH", socket.AF_INET, 0)
    return struct.pack("16s4s4s16x", name.encode(), family_and_port, socket.inet_aton(address))


def _unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare"):
        raise OSError(errno.ENOSYS, "this system has no namespaces")
    _check(libc.unshare(flags), "unshare")


def _mount(source: str, target: str, kind: str, flags: int, data: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    _check(
        libc.mount(
            source.encode(),
            os.fsencode(target),
            kind.encode() or None,
            ctypes.c_ulong(flags),
            data.encode() or None,
        ),
        f"mount {target}",
    )


def _check(result: int, call: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
