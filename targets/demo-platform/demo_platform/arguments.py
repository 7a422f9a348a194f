"""The command line as data; every mistake in it is a DemoError, none prints or exits."""

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from demo_platform.errors import DemoError, unknown_name
from demo_platform.knobs import NAMES
from demo_platform.rundir import check_socket_path
from demo_platform.settings import AUTO, OFF, Settings
from demo_platform.topology import PORT, SIZES, Size

STREAMS_PORT = 7979
_AWS_PORTS = {"auto": AUTO, "off": OFF}
FABRICS = ("auto", "netns", "proxy", "loopback")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise DemoError(message, where="demo_platform", fix=f"see `{self.prog} --help`")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command and its raw options; `command` is "up", "topology" or "streams"."""
    parser = _Parser(prog="python -m demo_platform", description="A video service in miniature.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="make a world and keep it until told to stop")
    up.add_argument("--dir", required=True, type=Path, help="runtime folder; made and removed")
    up.add_argument("--fabric", default="auto", help=", ".join(FABRICS))
    up.add_argument("--toxiproxy", default="", metavar="HOST:PORT", help="for the fabric proxy")
    up.add_argument("--rate", type=float, help="stream starts offered per second")
    up.add_argument("--switch", action="append", default=[], metavar="NAME=on|off")
    up.add_argument("--companion", action="append", default=[], metavar="JSON_ARGV")
    up.add_argument("--publish", default="", metavar="SOCKET", help="a spectatord's socket")
    up.add_argument(
        "--store", default="", metavar="SOCKET", help="where the metrics store answers queries"
    )
    up.add_argument(
        "--aws-port",
        default="auto",
        help="loopback port of the EC2 and Auto Scaling APIs: auto, off or a number",
    )
    up.add_argument("--port", type=int, default=PORT, help="where every instance listens")
    topology = commands.add_parser("topology", help="print the plan of a world; start nothing")
    for command in (up, topology):
        command.add_argument("--size", default="normal", help=", ".join(sorted(SIZES)))
        command.add_argument("--seed", type=int, default=1)
    streams = commands.add_parser(
        "streams", help="let a browser's dashboard read a world's streams"
    )
    streams.add_argument("--dir", required=True, type=Path, help="the world's runtime folder")
    streams.add_argument("--port", type=int, default=STREAMS_PORT, help="on the loopback address")
    return parser.parse_args(argv)


def port_of(options: argparse.Namespace) -> int:
    """The port that was asked for."""
    return _checked_port(options.port, "--port")


def aws_port_of(text: str) -> int:
    """The port of the AWS APIs, AUTO or OFF."""
    if text in _AWS_PORTS:
        return _AWS_PORTS[text]
    if not text.isdecimal():
        raise unknown_name("port", text, (*_AWS_PORTS, "a number"), where="--aws-port")
    return _checked_port(int(text), "--aws-port")


def _checked_port(port: int, option: str) -> int:
    if not 1024 <= port <= 60000:
        raise DemoError(f"port is out of range: {port}", where=option, fix="use 1024 to 60000")
    return port


def settings_of(options: argparse.Namespace) -> Settings:
    """The world that `up` was asked for."""
    size = size_named(options.size)
    if options.fabric not in FABRICS:
        raise unknown_name("fabric", options.fabric, FABRICS, where="--fabric")
    rate = size.starts_per_second if options.rate is None else options.rate
    if not (math.isfinite(rate) and rate >= 0):
        raise DemoError(f"rate is out of range: {rate}", where="--rate", fix="use 0 or more")
    if options.publish:
        check_socket_path(Path(options.publish), "--publish")
    if options.store:
        check_socket_path(Path(options.store), "--store")
    return Settings(
        folder=options.dir,
        size=size,
        seed=options.seed,
        fabric=options.fabric,
        port=port_of(options),
        starts_per_second=rate,
        switches=tuple(_switch(text) for text in options.switch),
        companions=tuple(_companion(text) for text in options.companion),
        publish_socket=options.publish,
        store_socket=options.store,
        aws_port=aws_port_of(options.aws_port),
        toxiproxy=_toxiproxy(options),
    )


def size_named(name: str) -> Size:
    """The size of that name."""
    if name not in SIZES:
        raise unknown_name("size", name, SIZES, where="--size")
    return SIZES[name]


def _switch(text: str) -> tuple[str, bool]:
    name, _, value = text.partition("=")
    if name not in NAMES:
        raise unknown_name("switch", name, NAMES, where="--switch")
    if value not in {"on", "off"}:
        raise DemoError(
            f"switch {name!r} is neither on nor off: {value!r}",
            where="--switch",
            fix=f"write --switch {name}=on or --switch {name}=off",
        )
    return name, value == "on"


def _toxiproxy(options: argparse.Namespace) -> str:
    server = str(options.toxiproxy)
    host, _, port = server.rpartition(":")
    if server and not (host and port.isdigit() and 0 < int(port) < 65536):
        raise DemoError(
            f"no address of a server: {server!r}",
            where="--toxiproxy",
            fix="write --toxiproxy 127.0.0.1:8474",
        )
    if server and options.fabric != "proxy":
        raise DemoError(
            f"the fabric {options.fabric!r} uses no Toxiproxy",
            where="--toxiproxy",
            fix="add --fabric proxy",
        )
    return server


def _companion(text: str) -> tuple[str, ...]:
    try:
        argv = json.loads(text)
    except json.JSONDecodeError as error:
        argv = error
    if not (isinstance(argv, list) and argv and all(isinstance(word, str) for word in argv)):
        raise DemoError(
            f"companion is not a JSON list of words: {text!r}",
            where="--companion",
            fix="""write --companion '["program", "argument"]'""",
        )
    return tuple(argv)
