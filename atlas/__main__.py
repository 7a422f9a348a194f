"""`python -m atlas serve`: the store as a server of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from atlas.errors import AtlasError
from atlas.expr.text import parse_duration

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
    serve.add_argument(
        "--host", help="address to listen on (127.0.0.1, unless only --unix is given)"
    )
    serve.add_argument("--port", type=int, help="TCP port (7101)")
    serve.add_argument("--unix", type=Path, metavar="PATH", help="Unix socket to listen on")
    serve.add_argument("--step", default="60s", help="time between two points of a series (60s)")
    serve.add_argument("--max-age", help="how late, or early, data may be (one step, at least 60s)")
    serve.add_argument("--keep", default="6h", help="how long data is kept (6h)")
    serve.add_argument(
        "--max-series", type=int, default=1_000_000, help="series before new ones are refused"
    )
    return parser


def _serve(options: argparse.Namespace) -> int:
    from atlas.server.serve import Listen, serve
    from atlas.store.limits import StoreLimits
    from atlas.store.memory import StoreConfig

    step_ms = parse_duration(options.step)
    max_age_ms = parse_duration(options.max_age) if options.max_age else max(step_ms, 60_000)
    config = StoreConfig(
        step_ms=step_ms,
        max_age_ms=max_age_ms,
        keep_ms=parse_duration(options.keep),
        limits=StoreLimits(series_count_max=options.max_series),
    )
    wants_tcp = options.unix is None or options.host is not None or options.port is not None
    host = (options.host or "127.0.0.1") if wants_tcp else None
    serve(config, Listen(host, options.port or 7101, options.unix))
    return 0


if __name__ == "__main__":
    sys.exit(main())
