"""Groups and what they start from, made and deleted by unmodified boto3: ours, and moto's server.

What moto does not check (images, names that are taken, missing force) is asked of ours alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from demo_platform.builds import image_of
from tests.cloud_servers import GROUP, REGION, ROOM, ZONES, Served, moto, own_cloud
from tests.contract.ec2_questions import refused, serving, the_group, until

MOTO = pytest.param("moto", marks=[pytest.mark.integration, pytest.mark.engines])
NEW = f"recs-{REGION}-v001"
SLOW, NO_IMAGE = image_of("recs", "slow"), "ami-0123456789abcdef0"
SIZES = {"MinSize": 0, "MaxSize": 6, "DesiredCapacity": 2}


@pytest.fixture(scope="module", params=["own", MOTO])
def cloud(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Served]:
    if request.param == "own":
        with own_cloud() as served:
            yield served
    else:
        with moto(tmp_path_factory.mktemp("moto")) as served:
            yield served


@pytest.fixture(scope="module")
def own() -> Iterator[Served]:
    with own_cloud("normal") as served:
        groups = served.client("autoscaling")
        groups.create_launch_configuration(LaunchConfigurationName="recs-slow", ImageId=SLOW)
        yield served


def named(groups: Any, name: str) -> list[Any]:
    found = groups.describe_auto_scaling_groups(AutoScalingGroupNames=[name])
    return list(found["AutoScalingGroups"])


def gone(groups: Any, name: str = NEW) -> bool:
    return not named(groups, name)


def test_a_launch_configuration_is_kept_until_it_is_deleted(cloud: Served) -> None:
    groups = cloud.client("autoscaling")
    wanted = {"LaunchConfigurationName": "one", "ImageId": cloud.image, "InstanceType": "m5.large"}
    groups.create_launch_configuration(**wanted)
    (kept,) = groups.describe_launch_configurations(LaunchConfigurationNames=["one"])[
        "LaunchConfigurations"
    ]
    assert {key: kept[key] for key in wanted} == wanted
    assert ":launchConfigurationName/one" in kept["LaunchConfigurationARN"]
    groups.delete_launch_configuration(LaunchConfigurationName="one")
    left = groups.describe_launch_configurations(LaunchConfigurationNames=["one"])
    assert left["LaunchConfigurations"] == []


def test_a_launch_template_is_kept_until_it_is_deleted(cloud: Served) -> None:
    ec2 = cloud.client("ec2")
    made = ec2.create_launch_template(
        LaunchTemplateName="two", LaunchTemplateData={"ImageId": cloud.image}
    )["LaunchTemplate"]
    assert made["LaunchTemplateName"] == "two"
    assert made["LatestVersionNumber"] == made["DefaultVersionNumber"] == 1
    (kept,) = ec2.describe_launch_templates(LaunchTemplateNames=["two"])["LaunchTemplates"]
    assert kept["LaunchTemplateId"] == made["LaunchTemplateId"]
    (same,) = ec2.describe_launch_templates(LaunchTemplateIds=[made["LaunchTemplateId"]])[
        "LaunchTemplates"
    ]
    assert same["LaunchTemplateName"] == "two"
    code, _ = refused(
        ec2.create_launch_template,
        LaunchTemplateName="two",
        LaunchTemplateData={"ImageId": cloud.image},
    )
    assert code == "InvalidLaunchTemplateName.AlreadyExistsException"
    ec2.delete_launch_template(LaunchTemplateName="two")
    code, _ = refused(ec2.describe_launch_templates, LaunchTemplateNames=["two"])
    assert code == "InvalidLaunchTemplateName.NotFoundException"


@pytest.mark.parametrize("by_template", [False, True], ids=["configuration", "template"])
def test_a_group_is_made_and_deleted_with_its_instances(cloud: Served, by_template: bool) -> None:
    groups, ec2 = cloud.client("autoscaling"), cloud.client("ec2")
    name, source = ("made-v001", "from") if by_template else ("made-v000", "of")
    if by_template:
        ec2.create_launch_template(
            LaunchTemplateName=source, LaunchTemplateData={"ImageId": cloud.image}
        )
        launch = {"LaunchTemplate": {"LaunchTemplateName": source, "Version": "$Latest"}}
    else:
        groups.create_launch_configuration(
            LaunchConfigurationName=source, ImageId=cloud.image, InstanceType="m5.large"
        )
        launch = {"LaunchConfigurationName": source}
    tags = [{"Key": "owner", "Value": "me", "PropagateAtLaunch": True}]
    wanted = {"AutoScalingGroupName": name, "AvailabilityZones": ZONES, "Tags": tags}
    groups.create_auto_scaling_group(**wanted, **launch, **SIZES)
    until(lambda: len(serving(groups, name)) == 2)
    group = the_group(groups, name)
    assert (group["MinSize"], group["DesiredCapacity"], group["MaxSize"]) == (0, 2, 6)
    assert [(one["Key"], one["Value"]) for one in group["Tags"]] == [("owner", "me")]
    if by_template:
        assert group["LaunchTemplate"]["LaunchTemplateName"] == source
    else:
        assert group["LaunchConfigurationName"] == source
    ids = [one["InstanceId"] for one in serving(groups, name)]
    found = ec2.describe_instances(InstanceIds=ids)["Reservations"]
    images = {one["ImageId"] for each in found for one in each["Instances"]}
    assert images == {cloud.image}
    groups.delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)
    until(lambda: gone(groups, name))
    members = [one["Instances"] for one in named(groups, GROUP)]
    assert len(members[0]) == 3, "nobody else's"


def test_a_flawed_build_is_an_image_of_its_service(own: Served) -> None:
    ec2, groups = own.client("ec2"), own.client("autoscaling")
    names = {one["ImageId"]: one["Name"] for one in ec2.describe_images()["Images"]}
    assert names[SLOW] == "recs-slow"
    assert {name for name in names.values() if name.startswith("recs")} == {
        *("recs", "recs-slow", "recs-wrong", "recs-leaky")
    }
    assert [name for name in names.values() if name.startswith("edge")] == ["edge"]
    groups.create_auto_scaling_group(
        AutoScalingGroupName=NEW,
        LaunchConfigurationName="recs-slow",
        AvailabilityZones=ZONES,
        **{**SIZES, "DesiredCapacity": 3},
    )
    until(lambda: len(serving(groups, NEW)) == 3)
    slow = ec2.describe_instances(Filters=[{"Name": "image-id", "Values": [SLOW]}])
    new = [one["Instances"][0] for one in slow["Reservations"]]
    assert sorted(one["Placement"]["AvailabilityZone"] for one in new) == ZONES
    old = {one["InstanceId"] for one in serving(groups, f"recs-{REGION}")}
    assert not old & {one["InstanceId"] for one in new}
    code, _ = refused(groups.delete_auto_scaling_group, AutoScalingGroupName=NEW)
    assert code == "ResourceInUse"
    code, _ = refused(groups.delete_launch_configuration, LaunchConfigurationName="recs-slow")
    assert code == "ResourceInUse"
    groups.delete_auto_scaling_group(AutoScalingGroupName=NEW, ForceDelete=True)
    (leaving,) = named(groups, NEW)
    assert leaving["Status"] == "Delete in progress"
    code, _ = refused(groups.set_desired_capacity, AutoScalingGroupName=NEW, DesiredCapacity=0)
    assert code == "ValidationError"
    until(lambda: gone(groups))
    assert {one["InstanceId"] for one in serving(groups, f"recs-{REGION}")} == old


def test_each_service_has_a_launch_template_of_its_name(own: Served) -> None:
    groups = own.client("autoscaling")
    template = the_group(groups, f"auth-{REGION}")["LaunchTemplate"]
    assert template["LaunchTemplateName"] == "auth"
    groups.create_auto_scaling_group(
        AutoScalingGroupName="auth-v002",
        LaunchTemplate={"LaunchTemplateId": template["LaunchTemplateId"]},
        AvailabilityZones=ZONES[:1],
        **SIZES,
    )
    until(lambda: len(serving(groups, "auth-v002")) == 2)
    groups.delete_auto_scaling_group(AutoScalingGroupName="auth-v002", ForceDelete=True)
    until(lambda: gone(groups, "auth-v002"))


CREATE = {"AutoScalingGroupName": NEW, "LaunchConfigurationName": "recs-slow", **SIZES}


@pytest.mark.parametrize(
    ("service", "call", "parameters", "code", "says"),
    [
        (
            "autoscaling",
            "create_launch_configuration",
            {"LaunchConfigurationName": "x", "ImageId": NO_IMAGE},
            "ValidationError",
            "DescribeImages",
        ),
        (
            "autoscaling",
            "create_launch_configuration",
            {"LaunchConfigurationName": "x", "ImageId": "recs"},
            "ValidationError",
            'Invalid id: "recs"',
        ),
        (
            "autoscaling",
            "create_launch_configuration",
            {"LaunchConfigurationName": "recs-slow", "ImageId": SLOW},
            "AlreadyExists",
            "recs-slow",
        ),
        (
            "ec2",
            "create_launch_template",
            {"LaunchTemplateName": "abc", "LaunchTemplateData": {"ImageId": NO_IMAGE}},
            "InvalidAMIID.NotFound",
            NO_IMAGE,
        ),
        (
            "autoscaling",
            "create_auto_scaling_group",
            {**CREATE, "LaunchConfigurationName": "recs-slwo", "AvailabilityZones": ZONES},
            "ValidationError",
            "Launch configuration recs-slwo not found",
        ),
        (
            "autoscaling",
            "create_auto_scaling_group",
            {"AutoScalingGroupName": NEW, "AvailabilityZones": ZONES, **SIZES},
            "ValidationError",
            "either LaunchTemplate, LaunchConfigurationName",
        ),
        ("autoscaling", "create_auto_scaling_group", CREATE, "ValidationError", "At least one"),
        (
            "autoscaling",
            "create_auto_scaling_group",
            {**CREATE, "AutoScalingGroupName": GROUP, "AvailabilityZones": ZONES},
            "AlreadyExists",
            GROUP,
        ),
        (
            "autoscaling",
            "create_auto_scaling_group",
            {**CREATE, "AvailabilityZones": ["us-east-1x"]},
            "ValidationError",
            "us-east-1a",
        ),
        (
            "autoscaling",
            "create_auto_scaling_group",
            {**CREATE, "AvailabilityZones": ZONES, "DesiredCapacity": 7},
            "ValidationError",
            "max size:6",
        ),
        (
            "autoscaling",
            "create_auto_scaling_group",
            {**CREATE, "AvailabilityZones": ZONES, "MaxSize": 99, "DesiredCapacity": ROOM + 2},
            "LimitExceeded",
            "42 more instances",
        ),
        (
            "autoscaling",
            "create_auto_scaling_group",
            {**CREATE, "AutoScalingGroupName": "a b", "AvailabilityZones": ZONES},
            "ValidationError",
            "'a b'",
        ),
        (
            "autoscaling",
            "delete_auto_scaling_group",
            {"AutoScalingGroupName": GROUP, "ForceDelete": True},
            "ValidationError",
            "from the beginning",
        ),
        (
            "autoscaling",
            "delete_auto_scaling_group",
            {"AutoScalingGroupName": "no-such-group"},
            "ValidationError",
            "no-such-group",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_mistakes_are_named(
    own: Served, service: str, call: str, parameters: dict[str, Any], code: str, says: str
) -> None:
    found, message = refused(getattr(own.client(service), call), **parameters)
    assert found == code, message
    assert says in message
    assert gone(own.client("autoscaling"))
