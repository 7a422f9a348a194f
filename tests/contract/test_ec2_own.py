"""What only our EC2 and Auto Scaling promise: balance of zones, what takes time, what is ours."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud_servers import GROUP, ROOM, UNKNOWN, ZONES, Served, own_cloud
from tests.contract.ec2_questions import refused, serving, the_group, until


@pytest.fixture(scope="module")
def own() -> Iterator[Served]:
    with own_cloud("normal") as served:
        yield served


def test_group_grows_and_shrinks_balanced(own: Served) -> None:
    groups = own.client("autoscaling")
    name = "playback-us-east-1"
    groups.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=8)
    until(lambda: len(serving(groups, name)) == 8)
    zones = Counter(one["AvailabilityZone"] for one in serving(groups, name))
    assert sorted(zones.values()) == [2, 3, 3]
    groups.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=3)
    zones = Counter(one["AvailabilityZone"] for one in serving(groups, name))
    assert zones == dict.fromkeys(ZONES, 1)
    leaving = [
        one for one in the_group(groups, name)["Instances"] if one not in serving(groups, name)
    ]
    assert {one["LifecycleState"] for one in leaving} == {"Terminating"}
    until(lambda: len(the_group(groups, name)["Instances"]) == 3)
    activities = groups.describe_scaling_activities(AutoScalingGroupName=name)["Activities"]
    kinds = Counter(one["Description"].split(":")[0] for one in activities)
    assert kinds == {"Launching a new EC2 instance": 5, "Terminating EC2 instance": 5}
    assert {one["StatusCode"] for one in activities} == {"Successful"}
    assert all("desired capacity from" in one["Cause"] for one in activities)


def test_suspended_launch_keeps_a_place_empty(own: Served) -> None:
    ec2, groups = own.client("ec2"), own.client("autoscaling")
    name = "recs-us-east-1"
    groups.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["Launch"])
    victim = serving(groups, name)[0]["InstanceId"]
    ec2.terminate_instances(InstanceIds=[victim])
    until(lambda: len(serving(groups, name)) == 2)
    time.sleep(0.4)
    assert len(serving(groups, name)) == 2
    groups.resume_processes(AutoScalingGroupName=name, ScalingProcesses=["Launch"])
    until(lambda: len(serving(groups, name)) == 3)


def test_health_standby_and_load_balancers(own: Served) -> None:
    groups = own.client("autoscaling")
    name = "catalog-us-east-1"
    first, second, _ = (one["InstanceId"] for one in serving(groups, name))
    groups.set_instance_health(InstanceId=first, HealthStatus="Unhealthy")
    until(lambda: first not in [one["InstanceId"] for one in serving(groups, name)])
    until(lambda: len(serving(groups, name)) == 3)
    groups.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=1)
    groups.enter_standby(
        AutoScalingGroupName=name, InstanceIds=[second], ShouldDecrementDesiredCapacity=True
    )
    states = Counter(one["LifecycleState"] for one in the_group(groups, name)["Instances"])
    assert states == {"Standby": 1, "InService": 2}
    groups.exit_standby(AutoScalingGroupName=name, InstanceIds=[second])
    assert the_group(groups, name)["DesiredCapacity"] == len(serving(groups, name)) == 3
    (arn,) = the_group(groups, name)["TargetGroupARNs"]
    groups.detach_load_balancer_target_groups(AutoScalingGroupName=name, TargetGroupARNs=[arn])
    assert the_group(groups, name)["TargetGroupARNs"] == []
    groups.attach_load_balancer_target_groups(AutoScalingGroupName=name, TargetGroupARNs=[arn])
    assert the_group(groups, name)["LoadBalancerNames"] == [name]


def test_zone_is_left_by_changing_the_groups_zones(own: Served) -> None:
    groups = own.client("autoscaling")
    name = "abtest-us-west-2"
    west = own.client("autoscaling", "us-west-2")
    west.update_auto_scaling_group(
        AutoScalingGroupName=name, AvailabilityZones=["us-west-2a", "us-west-2b"]
    )
    until(
        lambda: (
            Counter(one["AvailabilityZone"] for one in serving(west, name))
            in ({"us-west-2a": 2, "us-west-2b": 1}, {"us-west-2a": 1, "us-west-2b": 2})
        )
    )
    assert (
        groups.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"] == []
    )


def test_step_policy_is_executed(own: Served) -> None:
    groups = own.client("autoscaling")
    name = "auth-us-east-1"
    groups.put_scaling_policy(
        AutoScalingGroupName=name,
        PolicyName="steps",
        PolicyType="StepScaling",
        AdjustmentType="PercentChangeInCapacity",
        StepAdjustments=[{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 100}],
    )
    groups.execute_policy(
        AutoScalingGroupName=name, PolicyName="steps", MetricValue=80.0, BreachThreshold=70.0
    )
    assert the_group(groups, name)["DesiredCapacity"] == 6
    assert (
        refused(
            groups.set_desired_capacity,
            AutoScalingGroupName=name,
            DesiredCapacity=7,
            HonorCooldown=True,
        )[0]
        == "ScalingActivityInProgress"
    )


def test_size_outside_the_limits_is_refused(own: Served) -> None:
    groups = own.client("autoscaling")
    code, message = refused(
        groups.set_desired_capacity, AutoScalingGroupName=GROUP, DesiredCapacity=19
    )
    assert code == "ValidationError"
    assert "19" in message


def test_unknown_group_is_refused(own: Served) -> None:
    groups = own.client("autoscaling")
    code, message = refused(
        groups.set_desired_capacity, AutoScalingGroupName="apl-us-east-1", DesiredCapacity=3
    )
    assert code == "ValidationError"
    assert "apl-us-east-1" in message or "not found" in message


def test_target_tracking_policy_is_kept_with_its_alarms(own: Served) -> None:
    groups = own.client("autoscaling")
    put = groups.put_scaling_policy(
        AutoScalingGroupName=GROUP,
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        EstimatedInstanceWarmup=60,
        TargetTrackingConfiguration={
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
            "TargetValue": 50.0,
        },
    )
    assert put["PolicyARN"].endswith(f"autoScalingGroupName/{GROUP}:policyName/cpu")
    assert len(put["Alarms"]) == 2
    (kept,) = groups.describe_policies(AutoScalingGroupName=GROUP)["ScalingPolicies"]
    assert kept["PolicyARN"] == put["PolicyARN"]
    assert kept["EstimatedInstanceWarmup"] == 60
    assert kept["TargetTrackingConfiguration"]["TargetValue"] == 50.0
    groups.delete_policy(AutoScalingGroupName=GROUP, PolicyName="cpu")
    assert groups.describe_policies(AutoScalingGroupName=GROUP)["ScalingPolicies"] == []


def test_step_policy_is_kept(own: Served) -> None:
    groups = own.client("autoscaling")
    steps = [
        {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 10.0, "ScalingAdjustment": 2},
    ]
    groups.put_scaling_policy(
        AutoScalingGroupName=GROUP,
        PolicyName="steps",
        PolicyType="StepScaling",
        AdjustmentType="ChangeInCapacity",
        StepAdjustments=steps,
    )
    (kept,) = groups.describe_policies(AutoScalingGroupName=GROUP)["ScalingPolicies"]
    assert kept["StepAdjustments"] == steps
    groups.delete_policy(AutoScalingGroupName=GROUP, PolicyName="steps")


@pytest.mark.parametrize(
    ("service", "call", "parameters", "code", "says"),
    [
        (
            "ec2",
            "describe_instances",
            {"InstanceIds": [UNKNOWN, UNKNOWN[:-1] + "1"]},
            "InvalidInstanceID.NotFound",
            f"'{UNKNOWN}, {UNKNOWN[:-1]}1' do not exist",
        ),
        (
            "ec2",
            "describe_instances",
            {"InstanceIds": ["web-1"]},
            "InvalidInstanceID.Malformed",
            "web-1",
        ),
        (
            "ec2",
            "describe_availability_zones",
            {"ZoneNames": ["us-east-1x"]},
            "InvalidParameterValue",
            "us-east-1a",
        ),
        (
            "ec2",
            "describe_instances",
            {"Filters": [{"Name": "zone", "Values": ["x"]}]},
            "InvalidParameterValue",
            "availability-zone",
        ),
        (
            "ec2",
            "run_instances",
            {"ImageId": "ami-0123456789abcdef0", "MinCount": 1, "MaxCount": 1},
            "InvalidAMIID.NotFound",
            "DescribeImages",
        ),
        (
            "ec2",
            "run_instances",
            {"ImageId": "api", "MinCount": 1, "MaxCount": 1},
            "InvalidAMIID.Malformed",
            "api",
        ),
        (
            "ec2",
            "run_instances",
            {"ImageId": "OWN", "MinCount": ROOM + 1, "MaxCount": ROOM + 1},
            "InsufficientInstanceCapacity",
            "41 more instances",
        ),
        ("ec2", "describe_vpcs", {}, "InvalidAction", "DescribeVpcs"),
        (
            "autoscaling",
            "suspend_processes",
            {"AutoScalingGroupName": "api-us-east-1", "ScalingProcesses": ["Lunch"]},
            "ValidationError",
            "Launch",
        ),
        (
            "autoscaling",
            "set_desired_capacity",
            {"AutoScalingGroupName": "eureka-us-east-1", "DesiredCapacity": 4},
            "ValidationError",
            "fixed size",
        ),
        (
            "autoscaling",
            "update_auto_scaling_group",
            {"AutoScalingGroupName": "api-us-east-1", "AvailabilityZones": ["us-east-1x"]},
            "ValidationError",
            "us-east-1a",
        ),
        (
            "autoscaling",
            "update_auto_scaling_group",
            {"AutoScalingGroupName": "api-us-east-1", "MinSize": 9, "MaxSize": 3},
            "ValidationError",
            "min bound, 9",
        ),
        (
            "autoscaling",
            "update_auto_scaling_group",
            {"AutoScalingGroupName": "api-us-east-1", "DesiredCapacity": 60, "MaxSize": 60},
            "LimitExceeded",
            "57 more instances",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_mistakes_are_named(
    own: Served, service: str, call: str, parameters: dict[str, Any], code: str, says: str
) -> None:
    if parameters.get("ImageId") == "OWN":
        parameters = {**parameters, "ImageId": own.image}
    found, message = refused(getattr(own.client(service), call), **parameters)
    assert found == code
    assert says in message


def test_region_without_a_platform_is_refused(own: Served) -> None:
    code, message = refused(own.client("ec2", "eu-west-1").describe_instances)
    assert code == "AuthFailure"
    assert "us-east-1, us-west-2" in message


def test_unsigned_request_is_refused(own: Served) -> None:
    """So that no page in a browser can end instances."""
    import urllib.error
    import urllib.request

    form = b"Action=TerminateInstances&InstanceId.1=" + UNKNOWN.encode()
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(own.url, form, timeout=5)
    with caught.value as answer:
        assert answer.code == 403
        assert b"MissingAuthenticationToken" in answer.read()
