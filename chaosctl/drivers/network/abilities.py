"""What this machine's kernel lets an ordinary user do, found out by trying.

Run as a program of its own (`python -m chaosctl.drivers.network.abilities`), because trying means
unsharing namespaces, and a process cannot come back from that. Prints one JSON object: ability →
"" if it works, else why not. Nothing outlives the process.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

NEW_USER, NEW_NET, NEW_MOUNT = 0x10000000, 0x40000000, 0x20000


def try_user_namespace() -> None:
    """Enter new user, network and mount namespaces, as root there and only there."""
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_USER | NEW_NET | NEW_MOUNT) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"unshare: {os.strerror(number)}")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def try_links() -> None:
    """Make a bridge and a pair of virtual links."""
    from pyroute2 import IPRoute  # noqa: PLC0415 - its absence is a finding

    with IPRoute() as route:
        route.link("add", ifname="br0", kind="bridge")
        route.link("add", ifname="v0", kind="veth", peer={"ifname": "v1"})


def try_packet_filter() -> None:
    """Make an nftables table."""
    from pyroute2.nftables.main import NFTables  # noqa: PLC0415 - its absence is a finding

    with NFTables(nfgen_family=1) as tables:
        tables.table("add", name="chaosctl-doctor")


def try_raw_frames() -> None:
    """Open a raw packet socket, as the splice does."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as raw:
        raw.bind(("lo", 0))


TRIALS: dict[str, Callable[[], None]] = {
    "namespaces": try_user_namespace,
    "links": try_links,
    "packet filter": try_packet_filter,
    "raw frames": try_raw_frames,
}


def find_abilities() -> dict[str, str]:
    """Each ability with why it does not work, empty where it does; stops at the first that fails
    to unshare, because the others would then be tried on the machine itself."""
    found: dict[str, str] = {}
    for name, trial in TRIALS.items():
        try:
            trial()
        except (OSError, ImportError, AttributeError) as problem:
            found[name] = str(problem) or type(problem).__name__
            if name == "namespaces":
                return found
        else:
            found[name] = ""
    return found


if __name__ == "__main__":
    print(json.dumps(find_abilities()))  # noqa: T201 - a program of its own
