"""Plants one kind of residue in a world from outside: `python -m …plant PID ACTION [ARGUMENT]`.

PID is a process in the namespaces meant. Each action has its opposite, named `no-…`.
"""

from __future__ import annotations

import os
import sys

from pyroute2 import IPRoute
from pyroute2.nftables.main import NFTables

from tests.integration.observer import kernel

NAME = "planted"


def main() -> None:
    """Enter, then do the one thing."""
    pid, action, argument = int(sys.argv[1]), sys.argv[2], (sys.argv[3:] or [""])[0]
    if os.geteuid() != 0:
        kernel.enter(pid, "user")
    kernel.enter(pid, "mnt" if "mount" in action else "net")
    with IPRoute() as ip:
        _do(ip, action, argument)


def _do(ip: IPRoute, action: str, argument: str) -> None:
    match action:
        case "nft" | "no-nft":
            with NFTables(nfgen_family=1) as nft:
                nft.table("del" if action.startswith("no-") else "add", name=NAME)
        case "off-bridge":
            ip.link("set", index=ip.link_lookup(ifname=argument)[0], master=0)
        case "no-off-bridge":
            bridge = ip.link_lookup(ifname="br0")[0]
            ip.link("set", index=ip.link_lookup(ifname=argument)[0], master=bridge)
        case "veth":
            ip.link("add", ifname=NAME, kind="veth", peer={"ifname": "tnalp"})
        case "no-veth":
            ip.link("del", index=ip.link_lookup(ifname=NAME)[0])
        case "dead-route":
            ip.route("add", dst="10.0.0.1/32", type="blackhole")
        case "no-dead-route":
            ip.route("del", dst="10.0.0.1/32", type="blackhole")
        case "queue" | "no-queue":
            index = ip.link_lookup(ifname="eth0")[0]
            verb = "del" if action.startswith("no-") else "add"
            ip.tc(verb, "pfifo_fast", index, handle=0x10000)
        case "mount":
            kernel.mount("tmpfs", argument, "tmpfs", "size=64k")
        case "held-mount":
            kernel.unshare(kernel.NEW_NET)
            kernel.mount("/proc/self/ns/net", argument, "none")
        case "no-mount" | "no-held-mount":
            kernel.unmount(argument)
        case _:
            raise SystemExit(f"unknown action {action!r}")


if __name__ == "__main__":
    main()
