"""EC2 and Auto Scaling by unmodified boto3: ours, and moto's server where the two agree.

moto is no oracle for the balance of zones (it puts a group into one), nor for what takes time, for
limits of size, unknown groups and policies, where it answers otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud_servers import GROUP, REGION, UNKNOWN, ZONES, Served, moto, own_cloud
from tests.contract.ec2_questions import refused, serving, settled, the_group, until

MOTO = pytest.param("moto", marks=[pytest.mark.integration, pytest.mark.engines])


@pytest.fixture(scope="module", params=["own", MOTO])
def cloud(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Served]:
    if request.param == "own":
        with own_cloud() as served:
            yield served
    else:
        with moto(tmp_path_factory.mktemp("moto")) as served:
            yield served


@pytest.fixture
def ec2(cloud: Served) -> Any:
    return cloud.client("ec2")


@pytest.fixture
def groups(cloud: Served) -> Any:
    return cloud.client("autoscaling")


def test_regions_and_zones_have_their_names(ec2: Any) -> None:
    regions = {one["RegionName"]: one for one in ec2.describe_regions()["Regions"]}
    assert regions[REGION]["Endpoint"] == f"ec2.{REGION}.amazonaws.com"
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    known = {zone["ZoneName"]: zone for zone in zones}
    assert set(ZONES) <= set(known)
    assert {known[zone]["State"] for zone in ZONES} == {"available"}
    assert {known[zone]["RegionName"] for zone in ZONES} == {REGION}


def test_group_has_limits_zones_and_members(groups: Any) -> None:
    group = the_group(groups)
    assert (group["MinSize"], group["DesiredCapacity"], group["MaxSize"]) == (3, 3, 9)
    assert sorted(group["AvailabilityZones"]) == ZONES
    assert group["HealthCheckType"] == "EC2"
    assert group["SuspendedProcesses"] == []
    assert {one["HealthStatus"] for one in group["Instances"]} == {"Healthy"}
    assert group["AutoScalingGroupARN"].endswith(f":autoScalingGroupName/{GROUP}")
    assert group["CreatedTime"].tzinfo


def test_unknown_groups_are_left_out_when_asked_for(groups: Any) -> None:
    answer = groups.describe_auto_scaling_groups(AutoScalingGroupNames=["apl"])
    assert answer["AutoScalingGroups"] == []


def test_group_instances_are_ec2_instances(ec2: Any, groups: Any) -> None:
    ids = sorted(one["InstanceId"] for one in settled(groups))
    rows = groups.describe_auto_scaling_instances(InstanceIds=ids)["AutoScalingInstances"]
    assert {row["AutoScalingGroupName"] for row in rows} == {GROUP}
    found = ec2.describe_instances(
        Filters=[
            {"Name": "tag:aws:autoscaling:groupName", "Values": [GROUP]},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
    )
    instances = [one for each in found["Reservations"] for one in each["Instances"]]
    assert sorted(one["InstanceId"] for one in instances) == ids
    assert {one["State"]["Code"] for one in instances} == {16}
    assert all(one["Placement"]["AvailabilityZone"] in ZONES for one in instances)
    assert all(one["PrivateIpAddress"].count(".") == 3 for one in instances)
    assert all(one["LaunchTime"].tzinfo for one in instances)


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        ([UNKNOWN], "InvalidInstanceID.NotFound"),
        ([UNKNOWN, "i-0123456789abcdef1"], "InvalidInstanceID.NotFound"),
    ],
)
@pytest.mark.parametrize(
    "call", ["describe_instances", "terminate_instances", "stop_instances", "reboot_instances"]
)
def test_unknown_instance_is_named(ec2: Any, call: str, ids: list[str], code: str) -> None:
    found, message = refused(getattr(ec2, call), InstanceIds=ids)
    assert found == code
    assert any(one in message for one in ids)


def test_instance_is_run_tagged_stopped_started_and_terminated(cloud: Served, ec2: Any) -> None:
    started = ec2.run_instances(
        ImageId=cloud.image,
        MinCount=1,
        MaxCount=1,
        InstanceType="m5.large",
        Placement={"AvailabilityZone": ZONES[1]},
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": [{"Key": "owner", "Value": "test"}]}
        ],
    )
    (one,) = started["Instances"]
    name = one["InstanceId"]
    assert one["State"]["Name"] == "pending"
    assert one["Placement"]["AvailabilityZone"] == ZONES[1]
    assert {"Key": "owner", "Value": "test"} in one["Tags"]

    def state() -> str:
        (found,) = ec2.describe_instances(InstanceIds=[name])["Reservations"][0]["Instances"]
        return str(found["State"]["Name"])

    until(lambda: state() == "running")
    ec2.create_tags(Resources=[name], Tags=[{"Key": "team", "Value": "chaos"}])
    by_tag = ec2.describe_instances(Filters=[{"Name": "tag:team", "Values": ["cha*"]}])
    assert by_tag["Reservations"][0]["Instances"][0]["InstanceId"] == name
    ec2.delete_tags(Resources=[name], Tags=[{"Key": "team"}])
    tags = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [name]}])["Tags"]
    assert {tag["Key"] for tag in tags} - {"Name"} == {"owner"}

    (stopping,) = ec2.stop_instances(InstanceIds=[name])["StoppingInstances"]
    assert stopping["PreviousState"]["Name"] == "running"
    assert stopping["CurrentState"]["Name"] in ("stopping", "stopped")
    until(lambda: state() == "stopped")
    ec2.start_instances(InstanceIds=[name])
    until(lambda: state() == "running")
    ec2.reboot_instances(InstanceIds=[name])
    until(lambda: state() == "running")

    (ending,) = ec2.terminate_instances(InstanceIds=[name])["TerminatingInstances"]
    assert ending["InstanceId"] == name
    assert ending["CurrentState"]["Name"] in ("shutting-down", "terminated")
    until(lambda: state() == "terminated")


def test_dry_run_changes_nothing(ec2: Any, groups: Any) -> None:
    (name, *_) = [one["InstanceId"] for one in settled(groups)]
    assert refused(ec2.terminate_instances, InstanceIds=[name], DryRun=True)[0] == (
        "DryRunOperation"
    )
    assert name in [one["InstanceId"] for one in serving(groups)]


def test_pages_are_followed_to_the_end(ec2: Any, groups: Any) -> None:
    ids = {one["InstanceId"] for one in settled(groups, 6)}
    found = {
        one["InstanceId"]
        for page in ec2.get_paginator("describe_instances").paginate(
            PaginationConfig={"PageSize": 5}
        )
        for reservation in page["Reservations"]
        for one in reservation["Instances"]
    }
    assert ids <= found


def test_terminated_instance_is_replaced_by_its_group(ec2: Any, groups: Any) -> None:
    victim = settled(groups)[0]
    ec2.terminate_instances(InstanceIds=[victim["InstanceId"]])

    def is_replaced() -> bool:
        ids = [one["InstanceId"] for one in serving(groups)]
        return len(ids) == 3 and victim["InstanceId"] not in ids

    until(is_replaced)


def test_processes_are_suspended_and_resumed(groups: Any) -> None:
    groups.suspend_processes(AutoScalingGroupName=GROUP, ScalingProcesses=["Launch", "AZRebalance"])
    names = {one["ProcessName"] for one in the_group(groups)["SuspendedProcesses"]}
    assert names == {"Launch", "AZRebalance"}
    groups.resume_processes(AutoScalingGroupName=GROUP)
    assert the_group(groups)["SuspendedProcesses"] == []


def test_instance_ends_with_or_without_its_place(groups: Any) -> None:
    members = settled(groups, 5)
    ended = groups.terminate_instance_in_auto_scaling_group(
        InstanceId=members[0]["InstanceId"], ShouldDecrementDesiredCapacity=True
    )
    assert ended["Activity"]["AutoScalingGroupName"] == GROUP
    assert the_group(groups)["DesiredCapacity"] == 4
    groups.terminate_instance_in_auto_scaling_group(
        InstanceId=members[1]["InstanceId"], ShouldDecrementDesiredCapacity=False
    )
    assert the_group(groups)["DesiredCapacity"] == 4
    until(lambda: len(serving(groups)) == 4)
    left = {one["InstanceId"] for one in serving(groups)}
    assert not left & {members[0]["InstanceId"], members[1]["InstanceId"]}


def test_limits_are_changed(groups: Any) -> None:
    groups.update_auto_scaling_group(AutoScalingGroupName=GROUP, MinSize=2, MaxSize=12)
    group = the_group(groups)
    assert (group["MinSize"], group["MaxSize"]) == (2, 12)
    groups.update_auto_scaling_group(AutoScalingGroupName=GROUP, MinSize=3, MaxSize=9)
