"""`python -m atlas serve`: the store as a server of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from atlas.errors import AtlasError
from atlas.expr.text import parse_duration

if TYPE_CHECKING:
    from atlas.settings import Settings

EXIT_CANNOT_START = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Parse arguments and serve; the exit code is 2 if the server cannot start."""
    options = _parser().parse_args(argv)
    try:
        return _serve(options)
    except AtlasError as error:
        print(f"atlas: {error}", file=sys.stderr)
        return EXIT_CANNOT_START


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m atlas", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve a new store, in memory, until SIGTERM")
    add = serve.add_argument
    add("--config", type=Path, metavar="FILE", help="settings file; an option here wins over it")
    add("--host", help="address to listen on (127.0.0.1, unless only --unix is given)")
    add("--port", type=int, help="TCP port (7101)")
    add("--unix", type=Path, metavar="PATH", help="Unix socket to listen on")
    add("--step", help="time between two points of a series (60s)")
    add("--max-age", help="how late, or early, data may be (one step, at least 60s)")
    add("--keep", help="how long data is kept (6h)")
    add("--max-series", type=int, help="series before new ones are refused (1000000)")
    add("--spectatord-host", metavar="HOST", help="address of the UDP port (127.0.0.1)")
    add(
        "--spectatord-port",
        type=int,
        metavar="PORT",
        help="UDP port for metrics in spectatord's protocol (none)",
    )
    add("--spectatord-unix", type=Path, metavar="PATH", help="Unix socket for them (none)")
    return parser


def _serve(options: argparse.Namespace) -> int:
    from atlas.server.serve import serve

    serve(_settings(options))
    return 0


def _settings(options: argparse.Namespace) -> Settings:
    """What the file says, if one is given, and the options over it."""
    from atlas.settings import Settings, changed

    settings = Settings()
    if options.config is not None:
        from atlas.settings_file import read_settings

        settings = read_settings(options.config)
    step, keep, max_age = (
        parse_duration(text) if text is not None else None
        for text in (options.step, options.keep, options.max_age)
    )
    said = {
        "listen.host": options.host,
        "listen.port": options.port,
        "listen.unix_path": options.unix,
        "store.step_ms": step,
        "store.keep_ms": keep,
        "store.max_age_ms": max_age,
        "store.limits.series_count_max": options.max_series,
        "spectatord.host": options.spectatord_host,
        "spectatord.port": options.spectatord_port,
        "spectatord.unix_path": options.spectatord_unix,
    }
    return changed(settings, {path: v for path, v in said.items() if v is not None})


if __name__ == "__main__":
    sys.exit(main())
