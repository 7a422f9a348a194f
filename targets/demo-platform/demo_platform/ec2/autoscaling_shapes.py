"""Auto Scaling's structures, by the names that they have in its XML."""

from __future__ import annotations

import hashlib
import json
import uuid

from demo_platform.document import State
from demo_platform.ec2.activities import Activity, Progress
from demo_platform.ec2.cloud import Cloud, image_of_slot
from demo_platform.ec2.ec2_shapes import INSTANCE_TYPE, OWNER
from demo_platform.ec2.groups import Group
from demo_platform.ec2.launches import TEMPLATE_VERSION, Launch, template_id
from demo_platform.ec2.markup import Body, Value, instant
from demo_platform.ec2.policies import ATLAS, Kind, Policy
from demo_platform.fleet import Tenant

_LIFECYCLES = {
    State.STARTING: "Pending",
    State.UP: "InService",
    State.DRAINING: "Terminating",
    State.STOPPED: "Terminating",
    State.DEAD: "Terminated",
}
_DONE = {Progress.SUCCESSFUL: 100, Progress.FAILED: 100, Progress.DRAINING: 50}


def lifecycle_of(tenant: Tenant) -> str:
    """Auto Scaling's word for how a tenant is."""
    if tenant.in_standby:
        return "Standby"
    if tenant.is_ending and tenant.state is State.UP:
        return "Terminating"
    return _LIFECYCLES[tenant.state]


def group_shape(cloud: Cloud, group: Group) -> Body:
    """AutoScalingGroup."""
    members = listed_members(cloud, group)
    return {
        "Status": "Delete in progress" if group.is_deleted else None,
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": _arn(group, "autoScalingGroup", "autoScalingGroupName/"),
        **_launch(group),
        "MinSize": group.size_min,
        "MaxSize": group.size_max,
        "DesiredCapacity": group.desired,
        "DefaultCooldown": group.cooldown_s,
        "AvailabilityZones": list(group.zones),
        "LoadBalancerNames": [group.name] if group.takes_traffic else [],
        "TargetGroupARNs": [target_group_arn(group)] if group.takes_traffic else [],
        "HealthCheckType": "EC2",
        "HealthCheckGracePeriod": group.grace_s,
        "Instances": [_member(group, one) for one in members],
        "CreatedTime": instant(group.created_ms),
        "SuspendedProcesses": [
            {"ProcessName": process.value, "SuspensionReason": reason}
            for process, reason in sorted(group.suspended.items())
        ],
        "VPCZoneIdentifier": "",
        "EnabledMetrics": [],
        "Tags": [
            {
                "ResourceId": group.name,
                "ResourceType": "auto-scaling-group",
                "Key": key,
                "Value": value,
                "PropagateAtLaunch": True,
            }
            for key, value in sorted(group.tags.items())
        ],
        "TerminationPolicies": ["Default"],
        "NewInstancesProtectedFromScaleIn": False,
        "DefaultInstanceWarmup": group.warmup_s,
    }


def listed_members(cloud: Cloud, group: Group) -> list[Tenant]:
    """The instances that a group lists: those that live, also on their way out or in standby."""
    tenants = [one for one in cloud.estate.fleet.everybody() if one.slot.group == group.name]
    return [one for one in tenants if one.state is not State.DEAD]


def launch_configuration_shape(launch: Launch) -> Body:
    """LaunchConfiguration."""
    identity = uuid.uuid5(uuid.NAMESPACE_OID, f"{launch.region}/{launch.name}")
    prefix = f"arn:aws:autoscaling:{launch.region}:{OWNER}:launchConfiguration:{identity}"
    return {
        "LaunchConfigurationName": launch.name,
        "LaunchConfigurationARN": f"{prefix}:launchConfigurationName/{launch.name}",
        "ImageId": launch.image,
        "KeyName": "",
        "SecurityGroups": [],
        "UserData": "",
        "InstanceType": launch.instance_type,
        "BlockDeviceMappings": [],
        "InstanceMonitoring": {"Enabled": False},
        "CreatedTime": instant(launch.created_ms),
        "EbsOptimized": False,
    }


def instance_shape(group: Group, tenant: Tenant) -> Body:
    """AutoScalingInstanceDetails."""
    return {"AutoScalingGroupName": tenant.slot.group, **_member(group, tenant)}


def activity_shape(group: Group, activity: Activity) -> Body:
    """Activity."""
    identity = uuid.uuid5(uuid.NAMESPACE_OID, f"{group.name}/{activity.number}")
    return {
        "ActivityId": str(identity),
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": _arn(group, "autoScalingGroup", "autoScalingGroupName/"),
        "Description": activity.description,
        "Cause": f"At {instant(activity.started_ms)} {activity.cause}.",
        "StartTime": instant(activity.started_ms),
        "EndTime": instant(activity.ended_ms) if activity.ended_ms else None,
        "StatusCode": activity.progress.value,
        "StatusMessage": activity.message or None,
        "Progress": _DONE.get(activity.progress, 0),
        "Details": json.dumps({"Availability Zone": activity.zone}),
    }


def policy_shape(group: Group, policy: Policy) -> Body:
    """ScalingPolicy."""
    steps: Value = None
    if policy.kind is Kind.STEP:
        steps = [
            {
                "MetricIntervalLowerBound": step.low,
                "MetricIntervalUpperBound": step.high,
                "ScalingAdjustment": step.change,
            }
            for step in policy.steps
        ]
    return {
        "AutoScalingGroupName": group.name,
        "PolicyName": policy.name,
        "PolicyARN": policy_arn(group, policy),
        "PolicyType": policy.kind.value,
        "AdjustmentType": policy.adjustment.value if policy.adjustment else None,
        "MinAdjustmentMagnitude": policy.change_min or None,
        "ScalingAdjustment": policy.change,
        "Cooldown": policy.cooldown_s,
        "StepAdjustments": steps,
        "EstimatedInstanceWarmup": policy.warmup_s,
        "Alarms": alarms_shape(group, policy),
        "TargetTrackingConfiguration": _target(policy),
        "Enabled": policy.is_enabled,
    }


def alarms_shape(group: Group, policy: Policy) -> list[Value]:
    """Alarms: the two that a target tracking policy has."""
    if policy.kind is not Kind.TARGET_TRACKING:
        return []
    names = [f"TargetTracking-{group.name}-{which}-{policy.name}" for which in ("High", "Low")]
    prefix = f"arn:aws:cloudwatch:{group.region}:{OWNER}:alarm:"
    return [{"AlarmName": name, "AlarmARN": prefix + name} for name in names]


def policy_arn(group: Group, policy: Policy) -> str:
    """A policy's resource name."""
    middle = f"autoScalingGroupName/{group.name}:policyName/{policy.name}"
    identity = uuid.uuid5(uuid.NAMESPACE_OID, middle)
    return f"arn:aws:autoscaling:{group.region}:{OWNER}:scalingPolicy:{identity}:{middle}"


def target_group_arn(group: Group) -> str:
    """The resource name of what has traffic flow to a group: here, its entry in discovery."""
    number = hashlib.sha256(group.name.encode()).hexdigest()[:16]
    prefix = f"arn:aws:elasticloadbalancing:{group.region}:{OWNER}:targetgroup"
    return f"{prefix}/{group.name}/{number}"


def _member(group: Group, tenant: Tenant) -> Body:
    is_healthy = not tenant.has_failed_check and tenant.state is not State.STOPPED
    return {
        "InstanceId": tenant.spec.id,
        "InstanceType": INSTANCE_TYPE,
        "AvailabilityZone": tenant.slot.zone,
        "LifecycleState": lifecycle_of(tenant),
        "HealthStatus": "Healthy" if is_healthy else "Unhealthy",
        **_launch(group),
        "ImageId": image_of_slot(tenant.slot),
        "ProtectedFromScaleIn": False,
    }


def _launch(group: Group) -> Body:
    """What a group's instances are started from."""
    if group.launch is not None and not group.launch.is_template:
        return {"LaunchConfigurationName": group.launch.name}
    name = group.launch.name if group.launch else group.service
    template = {
        "LaunchTemplateId": template_id(name),
        "LaunchTemplateName": name,
        "Version": TEMPLATE_VERSION,
    }
    return {"LaunchTemplate": template}


def _target(policy: Policy) -> Body | None:
    target = policy.target
    if target is None:
        return None
    if target.is_expression:
        metric = {
            "MetricName": target.metric,
            "Namespace": ATLAS,
            "Statistic": target.statistic,
        }
        kind = "CustomizedMetricSpecification"
    else:
        metric = {"PredefinedMetricType": target.metric}
        if target.label:
            metric["ResourceLabel"] = target.label
        kind = "PredefinedMetricSpecification"
    return {
        kind: metric,
        "TargetValue": target.value,
        "DisableScaleIn": not target.may_scale_in,
    }


def _arn(group: Group, kind: str, prefix: str) -> str:
    identity = uuid.uuid5(uuid.NAMESPACE_OID, group.name)
    return f"arn:aws:autoscaling:{group.region}:{OWNER}:{kind}:{identity}:{prefix}{group.name}"
