"""The Auto Scaling calls about groups and instances, in AWS's words. A row of ACTIONS is a call."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from demo_platform.document import State
from demo_platform.ec2.activities import Activity
from demo_platform.ec2.autoscaling_shapes import (
    activity_shape,
    group_shape,
    instance_shape,
    listed_members,
    target_group_arn,
)
from demo_platform.ec2.cloud import Cloud
from demo_platform.ec2.ec2_actions import Action, Call
from demo_platform.ec2.faults import AwsFault, invalid
from demo_platform.ec2.groups import Group, Process, zones_of
from demo_platform.ec2.markup import Body
from demo_platform.ec2.query import matches, page_of
from demo_platform.ec2.resizing import SIZE_MAX, Change, change, check_fixed
from demo_platform.fleet import Fate, Tenant

SECONDS_MAX = 86_400
PAGE_MAX = 100
USER_SUSPENDED = "User suspended at {}"


def describe_groups(call: Call, cloud: Cloud) -> Body:
    """The region's groups; unknown names are left out, as in the original."""
    names = call.params.texts("AutoScalingGroupNames")
    groups = [one for one in groups_in(call, cloud) if not names or one.name in names]
    for name, values in call.params.filters(("tag:*", "tag-key")):
        if name == "tag-key":
            groups = [one for one in groups if any(matches(key, values) for key in one.tags)]
        else:
            key = name.removeprefix("tag:")
            groups = [one for one in groups if matches(one.tags.get(key), values)]
    page, token = page_of(groups, call.params, size_name="MaxRecords", size_max=PAGE_MAX)
    return {"AutoScalingGroups": [group_shape(cloud, one) for one in page], "NextToken": token}


def describe_instances(call: Call, cloud: Cloud) -> Body:
    """The instances of the region's groups."""
    ids = call.params.texts("InstanceIds")
    members = [
        (group, one) for group in groups_in(call, cloud) for one in listed_members(cloud, group)
    ]
    found = [(group, one) for group, one in members if not ids or one.spec.id in ids]
    page, token = page_of(found, call.params, size_name="MaxRecords", size_max=50)
    return {"AutoScalingInstances": [instance_shape(*each) for each in page], "NextToken": token}


def describe_activities(call: Call, cloud: Cloud) -> Body:
    """What the groups did and why, newest first."""
    params = call.params
    name = params.optional("AutoScalingGroupName") or ""
    if name:
        named_group(call, cloud)
    groups = {one.name: one for one in groups_in(call, cloud)}
    ids = params.texts("ActivityIds")
    rows = [
        activity_shape(groups[one.group], one)
        for one in cloud.estate.activities.of(name)
        if one.group in groups
    ]
    found = [row for row in rows if not ids or row["ActivityId"] in ids]
    page, token = page_of(found, params, size_name="MaxRecords", size_max=PAGE_MAX)
    return {"Activities": page, "NextToken": token}


def set_desired_capacity(call: Call, cloud: Cloud) -> Body:
    """Have a group grow or shrink."""
    group = named_group(call, cloud)
    desired = call.params.integer("DesiredCapacity", low=0, high=SIZE_MAX)
    if desired is None:
        raise invalid("DesiredCapacity must be given")
    _check_within(group, desired)
    is_cooling = cloud.now_ms() < group.cools_until_ms
    if call.params.boolean("HonorCooldown") and is_cooling:
        raise AwsFault(
            "ScalingActivityInProgress",
            f"You cannot scale {group.name} while a previous scaling activity is cooling down",
        )
    why = f"a user request set the desired capacity from {group.desired} to {desired}"
    cloud.resize(group, desired, why=why)
    return {}


def update_group(call: Call, cloud: Cloud) -> Body:
    """Change a group's limits, size, zones and times; all of it or nothing."""
    group, params = named_group(call, cloud), call.params
    cooldown_s = params.integer("DefaultCooldown", low=0, high=SECONDS_MAX)
    warmup_s = params.integer("DefaultInstanceWarmup", low=0, high=SECONDS_MAX)
    wanted = Change(
        size_min=params.integer("MinSize", low=0, high=SIZE_MAX),
        desired=params.integer("DesiredCapacity", low=0, high=SIZE_MAX),
        size_max=params.integer("MaxSize", low=0, high=SIZE_MAX),
        zones=_zones(call, group),
    )
    change(cloud, group, wanted, why="a user request")
    group.cooldown_s = group.cooldown_s if cooldown_s is None else cooldown_s
    group.warmup_s = group.warmup_s if warmup_s is None else warmup_s
    return {}


def suspend_processes(call: Call, cloud: Cloud) -> Body:
    """Tell a group to leave things alone."""
    group = named_group(call, cloud)
    reason = USER_SUSPENDED.format(cloud.now_ms() // 1000)
    for process in _processes(call):
        group.suspended.setdefault(process, reason)
    return {}


def resume_processes(call: Call, cloud: Cloud) -> Body:
    """Have a group do again what it was told to leave alone."""
    group = named_group(call, cloud)
    for process in _processes(call):
        group.suspended.pop(process, None)
    cloud.keeper.wake()
    return {}


def terminate_instance(call: Call, cloud: Cloud) -> Body:
    """End a group's instance, in good order; the group then has one less, or starts another."""
    tenant, group = _member(call, cloud, call.params.text("InstanceId"))
    if "ShouldDecrementDesiredCapacity" not in call.params:
        raise invalid("ShouldDecrementDesiredCapacity must be given")
    cause = "instance was taken out of service in response to a user request"
    if call.params.boolean("ShouldDecrementDesiredCapacity"):
        _check_within(group, group.desired - 1)
        group.desired -= 1
        cause += f", shrinking the capacity to {group.desired}"
    group.cause = cause
    cloud.keeper.close(tenant, cause=cause)
    activity = next(cloud.estate.activities.of(group.name))
    cloud.keeper.reconcile()
    return {"Activity": activity_shape(group, activity)}


def set_instance_health(call: Call, cloud: Cloud) -> Body:
    """Say that an instance is unhealthy, so that its group replaces it; or that it is not."""
    status = call.params.text("HealthStatus")
    if status not in ("Healthy", "Unhealthy"):
        raise invalid(f"HealthStatus must be Healthy or Unhealthy: '{status}'")
    tenant, group = _member(call, cloud, call.params.text("InstanceId"))
    tenant.has_failed_check = status == "Unhealthy"
    is_left_alone = group.is_suspended(Process.REPLACE_UNHEALTHY, Process.TERMINATE)
    if tenant.has_failed_check and not is_left_alone and not tenant.in_standby:
        cloud.keeper.end(tenant, Fate.REPLACED)
    return {}


def enter_standby(call: Call, cloud: Cloud) -> Body:
    """Take instances out of service, and out of their group's count, without ending them."""
    group = named_group(call, cloud)
    decrements = call.params.boolean("ShouldDecrementDesiredCapacity")
    members = [_member(call, cloud, one)[0] for one in call.params.texts("InstanceIds")]
    wrong = [one for one in members if one.in_standby or one.state is not State.UP]
    if wrong:
        raise invalid(f"The instance {wrong[0].spec.id} is not in InService.")
    if decrements:
        _check_within(group, group.desired - len(members))
        group.desired -= len(members)
    for one in members:
        one.in_standby = True
    _serve(cloud, members, is_in_service=False)
    rows = [_note(cloud, one, "Moving EC2 instance to Standby") for one in members]
    cloud.keeper.reconcile()
    return {"Activities": [activity_shape(group, row) for row in rows]}


def exit_standby(call: Call, cloud: Cloud) -> Body:
    """Put instances back in service; their group is so much larger."""
    group = named_group(call, cloud)
    members = [_member(call, cloud, one)[0] for one in call.params.texts("InstanceIds")]
    wrong = [one for one in members if not one.in_standby or one.state is not State.UP]
    if wrong:
        raise invalid(f"The instance {wrong[0].spec.id} is not in Standby.")
    _check_within(group, group.desired + len(members))
    group.desired += len(members)
    for one in members:
        one.in_standby = False
    _serve(cloud, members, is_in_service=group.takes_traffic)
    rows = [_note(cloud, one, "Moving EC2 instance out of Standby") for one in members]
    return {"Activities": [activity_shape(group, row) for row in rows]}


def set_traffic(call: Call, cloud: Cloud, *, flows: bool, names: str) -> Body:
    """Attach or detach a load balancer: have discovery list the group's instances, or not."""
    group = named_group(call, cloud)
    known = (group.name, target_group_arn(group))
    given = call.params.texts(names)
    unknown = [one for one in given if one not in known]
    if unknown or not given:
        raise invalid(
            f"'{', '.join(unknown) or names}' is no load balancer of {group.name}; "
            f"it has one: {known[0] if names == 'LoadBalancerNames' else known[1]}"
        )
    group.takes_traffic = flows
    _serve(cloud, cloud.estate.members(group), is_in_service=flows)
    return {}


def describe_traffic(call: Call, cloud: Cloud, *, by_arn: bool) -> Body:
    """The load balancers of a group: one, while it takes traffic."""
    group = named_group(call, cloud)
    name = target_group_arn(group) if by_arn else group.name
    key = "LoadBalancerTargetGroupARN" if by_arn else "LoadBalancerName"
    rows = [{key: name, "State": "InService"}] if group.takes_traffic else []
    return {"LoadBalancerTargetGroups" if by_arn else "LoadBalancers": rows}


def describe_process_types(call: Call, cloud: Cloud) -> Body:
    """What can be suspended."""
    del call, cloud
    return {"Processes": [{"ProcessName": process.value} for process in sorted(Process)]}


def groups_in(call: Call, cloud: Cloud) -> list[Group]:
    """The groups of the region that a call is for."""
    return [one for one in cloud.estate.groups.values() if one.region == call.region]


def named_group(call: Call, cloud: Cloud) -> Group:
    """The group that a call names. Raises AwsFault."""
    name = call.params.text("AutoScalingGroupName")
    for group in groups_in(call, cloud):
        if group.name == name:
            return group
    raise invalid(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")


def _member(call: Call, cloud: Cloud, instance_id: str) -> tuple[Tenant, Group]:
    for group in groups_in(call, cloud):
        for tenant in listed_members(cloud, group):
            if tenant.spec.id == instance_id and tenant.state is not State.DRAINING:
                return tenant, group
    raise invalid(
        f"Instance Id not found - No managed instance found for instance ID {instance_id}"
    )


def _check_within(group: Group, desired: int) -> None:
    check_fixed(group, is_same=desired == group.desired)
    if desired > group.size_max:
        raise invalid(
            f"New SetDesiredCapacity value {desired} is above max value {group.size_max} "
            f"for the AutoScalingGroup."
        )
    if desired < group.size_min:
        raise invalid(
            f"New SetDesiredCapacity value {desired} is below min value {group.size_min} "
            f"for the AutoScalingGroup."
        )


def _zones(call: Call, group: Group) -> tuple[str, ...]:
    return given_zones(call) or group.zones


def given_zones(call: Call) -> tuple[str, ...]:
    """The zones that a call names. Raises AwsFault for what is none of its region's."""
    asked, known = call.params.texts("AvailabilityZones"), zones_of([call.region])
    unknown = [one for one in asked if one not in known]
    if unknown:
        raise invalid(
            f"Invalid availability zones: [{', '.join(unknown)}]; there are: {', '.join(known)}"
        )
    return tuple(sorted(set(asked)))


def _processes(call: Call) -> list[Process]:
    names = call.params.texts("ScalingProcesses")
    known = {process.value: process for process in Process}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise invalid(
            f"'{unknown[0]}' is not a valid process; there are: {', '.join(sorted(known))}"
        )
    return [known[name] for name in names] or list(Process)


def _serve(cloud: Cloud, tenants: Iterable[Tenant], *, is_in_service: bool) -> None:
    cloud.keeper.serve(list(tenants), is_in_service=is_in_service)


def _note(cloud: Cloud, tenant: Tenant, what: str) -> Activity:
    begun = cloud.estate.activities.begin(
        tenant.slot.group,
        zone=tenant.slot.zone,
        instance_id=tenant.spec.id,
        description=f"{what}: {tenant.spec.id}",
        cause="a user asked for it",
    )
    cloud.estate.activities.finish(begun)
    return begun


_LISTS = {
    "LoadBalancers": "LoadBalancerNames",
    "LoadBalancerTargetGroups": "TargetGroupARNs",
}

ACTIONS: dict[str, Action] = {
    "DescribeAutoScalingGroups": describe_groups,
    "DescribeAutoScalingInstances": describe_instances,
    "DescribeLoadBalancerTargetGroups": partial(describe_traffic, by_arn=True),
    "DescribeLoadBalancers": partial(describe_traffic, by_arn=False),
    "DescribeScalingActivities": describe_activities,
    "DescribeScalingProcessTypes": describe_process_types,
    "EnterStandby": enter_standby,
    "ExitStandby": exit_standby,
    "ResumeProcesses": resume_processes,
    "SetDesiredCapacity": set_desired_capacity,
    "SetInstanceHealth": set_instance_health,
    "SuspendProcesses": suspend_processes,
    "TerminateInstanceInAutoScalingGroup": terminate_instance,
    "UpdateAutoScalingGroup": update_group,
    **{
        f"{verb}{kind}": partial(set_traffic, flows=verb == "Attach", names=names)
        for verb in ("Attach", "Detach")
        for kind, names in _LISTS.items()
    },
}
