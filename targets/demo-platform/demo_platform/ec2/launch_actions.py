"""Making groups and what they start from, in AWS's words. A row of the tables is a call."""

from __future__ import annotations

import re

from demo_platform.ec2.autoscaling_actions import SECONDS_MAX, given_zones, named_group
from demo_platform.ec2.autoscaling_shapes import launch_configuration_shape, listed_members
from demo_platform.ec2.cloud import Cloud
from demo_platform.ec2.ec2_actions import Action, Call
from demo_platform.ec2.ec2_shapes import INSTANCE_TYPE, launch_template
from demo_platform.ec2.faults import AwsFault, invalid
from demo_platform.ec2.groups import COOLDOWN_S, Group
from demo_platform.ec2.launches import TEMPLATE_VERSION, Launch
from demo_platform.ec2.markup import Body
from demo_platform.ec2.query import Params, page_of
from demo_platform.ec2.resizing import SIZE_MAX

GROUPS_MAX = 200
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


def create_configuration(call: Call, cloud: Cloud) -> Body:
    """Keep a launch configuration."""
    name, image = _name(call, "LaunchConfigurationName"), call.params.text("ImageId")
    if (call.region, name) in cloud.launches.configurations:
        raise AwsFault(
            "AlreadyExists",
            "Launch Configuration by this name already exists - A launch configuration already "
            f"exists with the name {name}",
        )
    try:
        cloud.image(image)
    except AwsFault as fault:
        raise invalid(f"AMI {image} is invalid: {fault.message}") from fault
    kind = call.params.optional("InstanceType") or INSTANCE_TYPE
    now_ms = cloud.now_ms()
    cloud.launches.put(Launch(name, call.region, image, False, kind, now_ms))
    return {}


def describe_configurations(call: Call, cloud: Cloud) -> Body:
    """The region's launch configurations; unknown names are left out, as in the original."""
    names = call.params.texts("LaunchConfigurationNames")
    found = [
        one
        for one in cloud.launches.configurations.values()
        if one.region == call.region and (not names or one.name in names)
    ]
    page, token = page_of(found, call.params, size_name="MaxRecords", size_max=100)
    rows = [launch_configuration_shape(one) for one in page]
    return {"LaunchConfigurations": rows, "NextToken": token}


def delete_configuration(call: Call, cloud: Cloud) -> Body:
    """Forget a launch configuration that no group is made from."""
    launch = _configuration(call.params.text("LaunchConfigurationName"), call, cloud)
    users = [one.name for one in cloud.estate.groups.values() if one.launch == launch]
    if users:
        raise AwsFault(
            "ResourceInUse",
            f"Cannot delete launch configuration {launch.name} because it is attached to "
            f"AutoScalingGroup {users[0]}",
        )
    del cloud.launches.configurations[call.region, launch.name]
    return {}


def create_group(call: Call, cloud: Cloud) -> Body:
    """A new group, which then launches its instances."""
    params, name = call.params, _name(call, "AutoScalingGroupName")
    launch = _launch(call, cloud)
    low, high = _size(params, "MinSize"), _size(params, "MaxSize")
    desired = params.integer("DesiredCapacity", low=0, high=SIZE_MAX)
    desired = low if desired is None else desired
    if not low <= desired <= high:
        raise invalid(
            f"Desired capacity:{desired} must be between the specified min size:{low} "
            f"and max size:{high}"
        )
    if len(cloud.estate.groups) >= GROUPS_MAX:
        raise AwsFault("LimitExceeded", f"there may be {GROUPS_MAX} groups")
    image = cloud.image(launch.image)
    cooldown_s = params.integer("DefaultCooldown", low=0, high=SECONDS_MAX)
    warmup_s = params.integer("DefaultInstanceWarmup", low=0, high=SECONDS_MAX)
    group = Group(
        name,
        image.service,
        call.region,
        _zones(call),
        low,
        desired,
        high,
        launch=launch,
        cooldown_s=COOLDOWN_S if cooldown_s is None else cooldown_s,
        warmup_s=COOLDOWN_S if warmup_s is None else warmup_s,
        created_ms=cloud.now_ms(),
        cause=f"a user request created an AutoScalingGroup of {desired}",
        tags=_tags(params),
    )
    cloud.make_group(group, image)
    return {}


def delete_group(call: Call, cloud: Cloud) -> Body:
    """Have a group be no more; one that has instances only when that is forced."""
    group = named_group(call, cloud)
    if group.is_usual:
        raise invalid(f"{group.name} is there from the beginning, and stays: set its size instead")
    if group.is_deleted:
        raise AwsFault("ScalingActivityInProgress", f"{group.name} is being deleted")
    if listed_members(cloud, group) and not call.params.boolean("ForceDelete"):
        raise AwsFault(
            "ResourceInUse",
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot "
            "instance request(s) still in the group.",
        )
    cloud.delete_group(group, why="a user request deleted the AutoScalingGroup")
    return {}


def create_template(call: Call, cloud: Cloud) -> Body:
    """Keep a launch template."""
    name, data = _name(call, "LaunchTemplateName"), call.params.structure("LaunchTemplateData")
    if cloud.launches.template(call.region, name=name, number=None) is not None:
        raise AwsFault(
            "InvalidLaunchTemplateName.AlreadyExistsException",
            "Launch template name already in use.",
        )
    image = cloud.image(data.text("ImageId"))
    call.check_dry_run()
    kind = data.optional("InstanceType") or INSTANCE_TYPE
    made = Launch(name, call.region, image.id, True, kind, cloud.now_ms())
    cloud.launches.put(made)
    return {"launchTemplate": launch_template(made)}


def describe_templates(call: Call, cloud: Cloud) -> Body:
    """The region's launch templates. Raises AwsFault for unknown names and ids."""
    names, ids = call.params.texts("LaunchTemplateName"), call.params.texts("LaunchTemplateId")
    own = [one for one in cloud.launches.templates.values() if one.region == call.region]
    for name in set(names) - {one.name for one in own}:
        raise _no_template(name)
    for id_ in set(ids) - {one.id for one in own}:
        raise AwsFault(
            "InvalidLaunchTemplateId.NotFound", f"The launch template ID '{id_}' is not found"
        )
    call.check_dry_run()
    wanted = [one for one in own if not (names or ids) or one.name in names or one.id in ids]
    page, token = page_of(wanted, call.params, size_name="MaxResults", size_max=200)
    return {"launchTemplates": [launch_template(one) for one in page], "nextToken": token}


def delete_template(call: Call, cloud: Cloud) -> Body:
    """Forget a launch template; groups that were made from it keep what it said."""
    name, id_ = call.params.optional("LaunchTemplateName"), call.params.optional("LaunchTemplateId")
    found = cloud.launches.template(call.region, name=name, number=id_)
    if found is None:
        raise _no_template(name or id_ or "")
    call.check_dry_run()
    del cloud.launches.templates[call.region, found.name]
    return {"launchTemplate": launch_template(found)}


def _launch(call: Call, cloud: Cloud) -> Launch:
    """What a new group is to start its instances from."""
    name = call.params.optional("LaunchConfigurationName")
    if name is not None:
        return _configuration(name, call, cloud)
    if "LaunchTemplate" not in call.params:
        raise invalid(
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, "
            "InstanceId or MixedInstancesPolicy parameter. (The first two are served here.)"
        )
    wanted = call.params.structure("LaunchTemplate")
    name, id_ = wanted.optional("LaunchTemplateName"), wanted.optional("LaunchTemplateId")
    found = cloud.launches.template(call.region, name=name, number=id_)
    version = wanted.optional("Version") or "$Default"
    if found is None or version not in ("$Default", "$Latest", TEMPLATE_VERSION):
        what = f"name {name}" if name else f"id {id_}"
        raise invalid(
            "You must use a valid fully-formed launch template. The specified launch template, "
            f"with template {what}, version {version}, does not exist."
        )
    return found


def _configuration(name: str, call: Call, cloud: Cloud) -> Launch:
    found = cloud.launches.configurations.get((call.region, name))
    if found is None:
        raise invalid(
            f"Launch configuration name not found - Launch configuration {name} not found"
        )
    return found


def _zones(call: Call) -> tuple[str, ...]:
    zones = given_zones(call)
    if not zones:
        raise invalid("At least one Availability Zone or VPC Subnet is required.")
    return zones


def _tags(params: Params) -> dict[str, str]:
    tags = {one.text("Key"): one.optional("Value") or "" for one in params.structures("Tags")}
    if any(key.lower().startswith("aws:") for key in tags):
        raise invalid("Tag keys starting with 'aws:' are reserved for internal use")
    return tags


def _name(call: Call, key: str) -> str:
    """A name that can also be a metric's tag. Raises AwsFault."""
    name = call.params.text(key)
    if not _NAME.fullmatch(name):
        raise invalid(f"{key} {name!r} has something else than 1 to 100 letters, digits and ._-")
    return name


def _size(params: Params, key: str) -> int:
    size = params.integer(key, low=0, high=SIZE_MAX)
    if size is None:
        raise invalid(f"{key} must be given")
    return size


def _no_template(name: str) -> AwsFault:
    return AwsFault(
        "InvalidLaunchTemplateName.NotFoundException",
        f"At least one of the launch templates specified in the request does not exist: {name}",
    )


AUTO_SCALING_ACTIONS: dict[str, Action] = {
    "CreateAutoScalingGroup": create_group,
    "CreateLaunchConfiguration": create_configuration,
    "DeleteAutoScalingGroup": delete_group,
    "DeleteLaunchConfiguration": delete_configuration,
    "DescribeLaunchConfigurations": describe_configurations,
}
EC2_ACTIONS: dict[str, Action] = {
    "CreateLaunchTemplate": create_template,
    "DeleteLaunchTemplate": delete_template,
    "DescribeLaunchTemplates": describe_templates,
}
