"""Telling an instance's C library which name servers to ask: files laid over the machine's own.

They are seen by the instance alone, which has mounts of its own; so DNS breaks for it as it would
on a host of its own, and any program in its place is broken too.
"""

from __future__ import annotations

from pathlib import Path

from demo_platform import namespaces
from demo_platform.dns.resolv_conf import HOSTS_BY_DNS, NSSWITCH_CONF, RESOLV_CONF, resolv_conf
from demo_platform.topology import InstanceSpec

FOLDER = ".etc"


def can_be_told() -> bool:
    """Whether there is the file to lay ours over: a mount cannot make one."""
    return Path(RESOLV_CONF).exists()


def ask_dns_only(files: Path) -> None:
    """Let the whole world look names up in DNS, whatever else the machine would ask.

    Raises OSError when the kernel refuses.
    """
    (files / FOLDER).mkdir()
    if Path(NSSWITCH_CONF).exists():
        ours = files / FOLDER / "nsswitch.conf"
        ours.write_text(HOSTS_BY_DNS)
        namespaces.bind_file(ours, NSSWITCH_CONF)


def ask_own_servers(files: Path, spec: InstanceSpec) -> None:
    """Let this process ask its zone's name server first; the others of its region after that.

    Leaves it with mounts of its own. Raises OSError when the kernel refuses.
    """
    if not spec.resolvers:
        return
    ours = files / FOLDER / f"{spec.zone}.conf"
    if not ours.exists():
        made = files / FOLDER / spec.id
        made.write_text(resolv_conf(spec.resolvers))
        made.rename(ours)  # another instance of the zone may be reading it
    namespaces.leave_mounts()
    namespaces.bind_file(ours, RESOLV_CONF)
