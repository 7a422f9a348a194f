"""`python -m demo_platform up|topology|streams`: make a world, plan one, or look into one."""

import asyncio
import json
import sys
from collections.abc import Sequence

from demo_platform import rundir
from demo_platform.arguments import parse, port_of, settings_of, size_named
from demo_platform.document import InstanceView, PlatformView
from demo_platform.errors import DemoError
from demo_platform.hystrix.door import serve_streams
from demo_platform.keeper import keep
from demo_platform.knobs import NAMES
from demo_platform.topology import (
    BRIDGE,
    PROBE_ADDRESS,
    Addresses,
    Size,
    slots_of,
    specs_of,
    viewer_slots_of,
)

EXIT_INVALID = 2
EXIT_NO_WORLD = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    code = EXIT_INVALID
    try:
        options = parse(sys.argv[1:] if argv is None else argv)
        if options.command == "topology":
            plan = plan_of(size_named(options.size), options.seed)
            print(json.dumps(plan.as_dict(), indent=1))
            return 0
        if options.command == "streams":
            port = port_of(options)
            code = EXIT_NO_WORLD
            asyncio.run(serve_streams(options.dir / rundir.CONTROL_SOCKET, port))
            return 0
        settings = settings_of(options)
        code = EXIT_NO_WORLD
        return keep(settings)
    except DemoError as error:
        print(error, file=sys.stderr)
        return code


def plan_of(size: Size, seed: int) -> PlatformView:
    """The platform that `up` would make: same ids, same addresses, no process."""
    addresses = Addresses()
    instances = [InstanceView(spec) for spec in specs_of(slots_of(size), addresses, seed=seed)]
    traffic = [InstanceView(spec) for spec in specs_of(viewer_slots_of(size), addresses, seed=seed)]
    return PlatformView(
        id="planned",
        state="planned",
        fabric="netns",
        fabric_reason="",
        size=size.name,
        seed=seed,
        starts_per_second=size.starts_per_second,
        switches=dict.fromkeys(NAMES, False),
        instances=instances,
        traffic=traffic,
        bridge=BRIDGE,
        probe_address=PROBE_ADDRESS,
    )


if __name__ == "__main__":
    sys.exit(main())
