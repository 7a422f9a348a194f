"""EC2 and Auto Scaling for tests: ours over a fleet without processes, and moto's server."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from aiohttp import web
from botocore.config import Config

from demo_platform.builds import image_of
from demo_platform.ec2 import group_keeper
from demo_platform.ec2.cloud import Cloud
from demo_platform.ec2.server import make_app
from tests.memory_fleet import Scene

SCRIPT = Path(__file__).parent / "engines/moto.sh"
REGION = "us-east-1"
GROUP = f"api-{REGION}"
ZONES = [f"{REGION}a", f"{REGION}b", f"{REGION}c"]
ROOM = 40
UNKNOWN = "i-0123456789abcdef0"
STARTS_WITHIN_S = 180


@dataclass(frozen=True, slots=True)
class Served:
    """Where the APIs are, and an image to start instances from."""

    url: str
    image: str

    def client(self, service: str, region: str = REGION) -> Any:
        """An unmodified client."""
        return client(self.url, service, region)


@functools.cache
def client(url: str, service: str, region: str) -> Any:
    """An unmodified client; making one takes a fifth of a second."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        region_name=region,
        endpoint_url=url,
        aws_access_key_id="anybody",
        aws_secret_access_key="anything",
        config=Config(retries={"max_attempts": 0}, read_timeout=60),
    )


def shortage(more: dict[str, int]) -> str:
    """There is room for so many."""
    count = sum(more.values())
    return f"{count} more instances take too much" if count > ROOM else ""


@contextlib.contextmanager
def own_cloud(size: str = "small") -> Iterator[Served]:
    """Ours, which ends with the block."""
    with pytest.MonkeyPatch.context() as patch:
        # The waits of a real platform, much faster: nobody here needs to have noticed anything.
        patch.setattr(group_keeper, "FORGOTTEN_S", 0.1)
        patch.setattr(group_keeper, "GRACE_S", 0.1)
        patch.setattr("demo_platform.scaling.REPLACE_AFTER_S", 0.1)
        yield from _own_cloud(size)


def _own_cloud(size: str) -> Iterator[Served]:
    loop = asyncio.new_event_loop()
    runner, port = loop.run_until_complete(_serve(size))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{port}", image_of("api"))
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


async def _serve(size: str) -> tuple[web.AppRunner, int]:
    scene = Scene(size)
    regions = tuple(sorted({one.region for one in scene.estate.groups.values()}))
    cloud = Cloud(scene.estate, scene.keeper, regions, lambda: scene.now_ms, shortage)
    scene.spawn(_reconcile(scene))
    runner = web.AppRunner(make_app(cloud), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, site).start()
    return runner, site.getsockname()[1]


async def _reconcile(scene: Scene) -> None:
    """What the supervisor does each time that it has looked."""
    while True:
        scene.keeper.reconcile()
        await asyncio.sleep(0.005)


@contextlib.contextmanager
def moto(folder: Path) -> Iterator[Served]:
    """moto's, with a group like ours."""
    said = subprocess.run(
        [str(SCRIPT), str(folder)],
        capture_output=True,
        text=True,
        timeout=STARTS_WITHIN_S,
        check=True,
    )
    found = re.search(r"PID=(\d+) URL=(\S+)", said.stdout)
    assert found, said.stdout
    try:
        ec2 = Served(found[2], "").client("ec2")
        image = ec2.describe_images()["Images"][0]["ImageId"]
        served = Served(found[2], image)
        groups = served.client("autoscaling")
        groups.create_launch_configuration(
            LaunchConfigurationName="api", ImageId=image, InstanceType="m5.large"
        )
        groups.create_auto_scaling_group(
            AutoScalingGroupName=GROUP,
            LaunchConfigurationName="api",
            MinSize=3,
            MaxSize=9,
            DesiredCapacity=3,
            AvailabilityZones=ZONES,
        )
        yield served
    finally:
        signal_and_wait(int(found[1]))


def signal_and_wait(pid: int) -> None:
    """End the server; the script's shell is gone, so nobody but the system waits for it."""
    import os

    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
