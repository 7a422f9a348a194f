"""boto3 against a real platform: what it ends, the kernel no longer has; what it starts, it has."""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from demo_platform.builds import image_of
from tests.cloud_servers import client
from tests.integration.demo.worlds import PLAIN, World, reap_adopted, world

pytestmark = pytest.mark.integration
REGION = "us-east-1"
REPLACED_WITHIN_S = 5.0


class Scene:
    """A small world, and boto3's clients of it."""

    def __init__(self, of: World) -> None:
        self.world = of
        self.url = str(of.until_ready()["aws_url"])
        self.ec2 = client(self.url, "ec2", REGION)
        self.groups = client(self.url, "autoscaling", REGION)

    def of_service(self, service: str) -> list[dict[str, Any]]:
        """Its instances that are up, as the platform itself says."""
        instances = self.world.platform()["instances"]
        return [i for i in instances if i["service"] == service and i["state"] == "up"]

    def one(self, instance_id: str) -> dict[str, Any]:
        """An instance as the platform itself says."""
        (found,) = [i for i in self.world.platform()["instances"] if i["id"] == instance_id]
        return found


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with world("--size", "small", instances=PLAIN) as started:
        yield Scene(started)


def until(claim: Callable[[], object], within_s: float = 15.0) -> float:
    """Seconds until the claim holds."""
    began_s = time.monotonic()
    while time.monotonic() - began_s < within_s:
        if claim():
            return time.monotonic() - began_s
        time.sleep(0.02)
    raise AssertionError(f"not within {within_s} s")


def runs(instance: dict[str, Any]) -> bool:
    """Whether the kernel still has the instance's process."""
    return Path(f"/proc/{instance['pid']}/task").exists()


def test_terminated_instance_is_gone_and_replaced(scene: Scene) -> None:
    victim = scene.of_service("recs")[0]
    (ending,) = scene.ec2.terminate_instances(InstanceIds=[victim["id"]])["TerminatingInstances"]
    assert ending["CurrentState"]["Name"] == "shutting-down"
    gone_s = until(lambda: not runs(victim), within_s=3.0)

    def is_replaced() -> bool:
        now = [one for one in scene.of_service("recs") if one["zone"] == victim["zone"]]
        return bool(now) and now[0]["id"] != victim["id"] and runs(now[0])

    replaced_s = gone_s + until(is_replaced, within_s=REPLACED_WITHIN_S)
    print(f"gone after {gone_s:.2f} s, replaced and registered after {replaced_s:.2f} s")
    assert replaced_s <= REPLACED_WITHIN_S
    (found,) = scene.ec2.describe_instances(InstanceIds=[victim["id"]])["Reservations"]
    assert found["Instances"][0]["State"]["Name"] == "terminated"


def test_suspended_launch_leaves_a_place_empty_until_resumed(scene: Scene) -> None:
    name = f"catalog-{REGION}"
    scene.groups.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["Launch"])
    victim = scene.of_service("catalog")[1]
    os.kill(victim["pid"], 9)
    until(lambda: len(scene.of_service("catalog")) == 2)
    time.sleep(2.5)
    assert len(scene.of_service("catalog")) == 2
    scene.groups.resume_processes(AutoScalingGroupName=name, ScalingProcesses=["Launch"])
    until(lambda: len(scene.of_service("catalog")) == 3, within_s=REPLACED_WITHIN_S)


def test_group_grows_and_shrinks_by_processes_in_balanced_zones(scene: Scene) -> None:
    name = f"api-{REGION}"
    scene.groups.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=7)
    until(lambda: len(scene.of_service("api")) == 7)
    seven = scene.of_service("api")
    assert sorted(Counter(one["zone"] for one in seven).values()) == [2, 2, 3]
    assert all(runs(one) for one in seven)
    scene.groups.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=3)
    draining = [i for i in scene.world.platform()["instances"] if i["state"] == "draining"]
    assert len(draining) == 4
    assert all(runs(one) for one in draining), "an instance is drained before it is ended"
    until(lambda: not any(runs(one) for one in draining))
    three = scene.of_service("api")
    assert sorted(Counter(one["zone"] for one in three).values()) == [1, 1, 1]
    assert {one["id"] for one in three} < {one["id"] for one in seven}


def test_instance_by_itself_is_run_rebooted_stopped_started_and_not_replaced(scene: Scene) -> None:
    started = scene.ec2.run_instances(
        ImageId=image_of("abtest"),
        MinCount=1,
        MaxCount=1,
        Placement={"AvailabilityZone": f"{REGION}b"},
    )
    name = started["Instances"][0]["InstanceId"]
    until(lambda: scene.one(name)["state"] == "up")
    first = scene.one(name)
    assert runs(first)
    scene.ec2.reboot_instances(InstanceIds=[name])
    until(lambda: scene.one(name)["pid"] not in (0, first["pid"]))
    until(lambda: scene.one(name)["state"] == "up")
    second = scene.one(name)
    assert (second["address"], runs(first), runs(second)) == (first["address"], False, True)
    scene.ec2.stop_instances(InstanceIds=[name])
    until(lambda: scene.one(name)["state"] == "stopped")
    assert not runs(second)
    scene.ec2.start_instances(InstanceIds=[name])
    until(lambda: scene.one(name)["state"] == "up")
    third = scene.one(name)
    assert runs(third)
    scene.ec2.terminate_instances(InstanceIds=[name])
    until(lambda: not runs(third))
    time.sleep(1.5)
    assert len(scene.of_service("abtest")) == 3


def test_operators_change_groups_by_the_control_api(scene: Scene) -> None:
    name = f"auth-{REGION}"
    status, group = scene.world.ask("PUT", f"/v1/groups/{name}", {"desired": 4})
    assert (status, group["desired"]) == (200, 4)
    until(lambda: len(scene.of_service("auth")) == 4)
    for body, what in (
        ({"desired": 99}, "max size:9"),
        ({"desired": "4"}, "not a number"),
        ({"wanted": 4}, "unknown key"),
        ({"suspended": ["Lunch"]}, "unknown process"),
    ):
        status, answer = scene.world.ask("PUT", f"/v1/groups/{name}", body)
        assert (status, what in answer["error"]["what"]) == (400, True), answer
    status, answer = scene.world.ask("PUT", "/v1/evacuation", {"region": REGION})
    assert status == 400


def test_busy_port_is_refused(scene: Scene) -> None:
    port = urlsplit(scene.url).port
    with world("--size", "small", "--aws-port", str(port), instances=PLAIN) as other:
        assert other.keeper.wait(20) == 1
        assert f"127.0.0.1:{port}: port is in use" in other.said()


def test_killed_keeper_leaves_no_port() -> None:
    with world("--size", "small", instances=PLAIN) as started:
        url = urlsplit(Scene(started).url)
        assert url.hostname == "127.0.0.1"
        started.keeper.kill()
        started.keeper.wait(5)

        def is_free() -> bool:
            reap_adopted(started.keeper)
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", url.port)) != 0

        until(is_free, within_s=5.0)


def test_a_new_group_is_processes_of_its_image_and_goes_with_them(scene: Scene) -> None:
    name, slow = f"recs-{REGION}-v001", image_of("recs", "slow")
    old = {one["id"] for one in scene.of_service("recs")}
    scene.groups.create_launch_configuration(LaunchConfigurationName="recs-slow", ImageId=slow)
    scene.groups.create_auto_scaling_group(
        AutoScalingGroupName=name,
        LaunchConfigurationName="recs-slow",
        AvailabilityZones=[f"{REGION}{letter}" for letter in "abc"],
        MinSize=0,
        MaxSize=3,
        DesiredCapacity=3,
    )
    until(lambda: len(scene.of_service("recs")) == 6)
    new = [one for one in scene.of_service("recs") if one["id"] not in old]
    assert {one["group"] for one in new} == {name}
    assert sorted(one["zone"][-1] for one in new) == ["a", "b", "c"]
    assert [one["labels"] for one in new] == [{"version": "v001", "build": "slow"}] * 3
    assert all(runs(one) for one in new)
    os.kill(new[0]["pid"], 9)
    until(lambda: not runs(new[0]))
    until(lambda: len(scene.of_service("recs")) == 6, within_s=REPLACED_WITHIN_S)
    scene.groups.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    until(lambda: not any(runs(one) for one in new))
    until(lambda: {one["id"] for one in scene.of_service("recs")} == old)

    def is_gone() -> bool:
        found = scene.groups.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        return not found["AutoScalingGroups"]

    until(is_gone)
