"""TCP probes, against real sockets."""

from __future__ import annotations

import math
import socket

import pytest

from chaosctl.probes import PROBES
from chaosctl.probes.tcp_port import host_and_port


def test_port_that_listens_is_connected_to():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert PROBES["tcp"]({"address": address}).ask(1).value == 1
        assert 0 < PROBES["tcp"]({"address": address, "take": "latency"}).ask(1).value < 1000


def test_port_that_nobody_listens_on_is_not():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert PROBES["tcp"]({"address": address}).ask(1).value == 0
        assert PROBES["tcp"]({"address": address, "take": "latency"}).ask(1).value == math.inf


def test_name_that_nobody_has_is_the_target_s():
    assert PROBES["tcp"]({"address": "nobody.invalid:80"}).ask(1).value == 0


@pytest.mark.parametrize("address", ["", "host", ":80", "host:", "host:http", "host:0", "h:99999"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ValueError):
        host_and_port(address)
