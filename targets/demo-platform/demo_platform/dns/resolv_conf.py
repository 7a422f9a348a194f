"""How an instance's C library is told which servers to ask. Pure.

One try at each, of a second: a zone's server that is away costs every question that second, and
a region whose servers are all away is known to be so after three.
"""

from __future__ import annotations

from collections.abc import Iterable

RESOLV_CONF = "/etc/resolv.conf"
NSSWITCH_CONF = "/etc/nsswitch.conf"

HOSTS_BY_DNS = "hosts: files dns\n"
"""For nsswitch.conf: some machines ask a service of theirs first, and it would know none of us."""


def resolv_conf(resolvers: Iterable[str]) -> str:
    """The file's text, with the servers in the order in which they are asked.

    Without a search list, the C library would go on to the machine's own domain.

    >>> print(resolv_conf(["10.1.1.3", "10.1.2.3"]), end="")
    search .
    options timeout:1 attempts:1
    nameserver 10.1.1.3
    nameserver 10.1.2.3
    """
    servers = "".join(f"nameserver {address}\n" for address in resolvers)
    return f"search .\noptions timeout:1 attempts:1\n{servers}"
