"""`python -m demo_platform.toxiproxy`: the fault proxy by itself, until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import resource
import signal
import sys

import uvloop
from aiohttp import web

from demo_platform.process import die_with_parent
from demo_platform.toxiproxy.api import make_app
from demo_platform.toxiproxy.collection import Collection

PORT = 8474


def main() -> int:
    """Listen where the options say."""
    parser = argparse.ArgumentParser(prog="python -m demo_platform.toxiproxy", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="where the API listens")
    parser.add_argument("--port", type=int, default=PORT, help="where the API listens")
    parser.add_argument("--with-parent", action="store_true", help="die when the parent dies")
    options = parser.parse_args()
    _allow_many_files()
    if options.with_parent:
        die_with_parent(signal.SIGKILL)
    try:
        uvloop.run(_serve(options.host, options.port))
    except OSError as error:
        where = f"{options.host}:{options.port}"
        print(f"{where}: cannot listen: {error.strerror}\n  fix: use --port", file=sys.stderr)
        return 1
    return 0


def _allow_many_files() -> None:
    """A connection takes two descriptors, and the usual limit is a thousand."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    collection = Collection()
    runner = web.AppRunner(make_app(collection), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    print(f"API on http://{host}:{runner.addresses[0][1]}", flush=True)
    await stop.wait()
    await runner.cleanup()
    await collection.close()


if __name__ == "__main__":
    sys.exit(main())
