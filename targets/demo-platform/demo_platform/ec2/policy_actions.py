"""The Auto Scaling calls about policies, in AWS's words. A row of ACTIONS is a call."""

from __future__ import annotations

from typing import TypeVar

from demo_platform.ec2.autoscaling_actions import SECONDS_MAX, groups_in, named_group
from demo_platform.ec2.autoscaling_shapes import alarms_shape, policy_arn, policy_shape
from demo_platform.ec2.cloud import Cloud
from demo_platform.ec2.ec2_actions import Action, Call
from demo_platform.ec2.faults import AwsFault, invalid
from demo_platform.ec2.groups import Group, Process
from demo_platform.ec2.markup import Body
from demo_platform.ec2.policies import (
    ATLAS,
    CPU,
    REQUESTS,
    Adjustment,
    Kind,
    Policy,
    Step,
    Target,
)
from demo_platform.ec2.query import Params, page_of
from demo_platform.ec2.resizing import check_fixed
from demo_platform.ec2.tracking import adjusted, step_for
from demo_platform.settings import TIME_FACTOR

POLICIES_MAX = 50
STEPS_MAX = 20
CHANGE_MAX = 1000
STATISTICS = ("Average", "Sum")

_Words = TypeVar("_Words", Kind, Adjustment)


def put_policy(call: Call, cloud: Cloud) -> Body:
    """Make a policy, or replace the one of that name."""
    group, params = named_group(call, cloud), call.params
    check_fixed(group, is_same=False)
    name = params.text("PolicyName")
    kind = _one_of(Kind, params.optional("PolicyType") or Kind.SIMPLE.value, "PolicyType")
    policy = Policy(
        group=group.name,
        name=name,
        kind=kind,
        is_enabled=params.boolean("Enabled", default=True),
        warmup_s=params.integer("EstimatedInstanceWarmup", low=0, high=SECONDS_MAX),
        cooldown_s=params.integer("Cooldown", low=0, high=SECONDS_MAX),
    )
    if kind is Kind.TARGET_TRACKING:
        policy.target = _target(params.structure("TargetTrackingConfiguration"))
    else:
        _read_adjustment(policy, params)
    is_new = cloud.policies.find(group.name, name) is None
    if is_new and sum(1 for _ in cloud.policies.of(group.name)) >= POLICIES_MAX:
        raise AwsFault("LimitExceeded", f"{group.name} may have {POLICIES_MAX} policies")
    cloud.policies.put(policy)
    return {"PolicyARN": policy_arn(group, policy), "Alarms": alarms_shape(group, policy)}


def describe_policies(call: Call, cloud: Cloud) -> Body:
    """The policies of a group, or of all the region's."""
    params = call.params
    if "AutoScalingGroupName" in params:
        named_group(call, cloud)
    groups = {one.name: one for one in groups_in(call, cloud)}
    names, kinds = params.texts("PolicyNames"), params.texts("PolicyTypes")
    rows = [
        policy_shape(groups[one.group], one)
        for one in cloud.policies.of(params.optional("AutoScalingGroupName") or "")
        if one.group in groups
        if not names or one.name in names or policy_arn(groups[one.group], one) in names
        if not kinds or one.kind.value in kinds
    ]
    page, token = page_of(rows, params, size_name="MaxRecords", size_max=100)
    return {"ScalingPolicies": page, "NextToken": token}


def delete_policy(call: Call, cloud: Cloud) -> Body:
    """Forget a policy, and its alarms."""
    cloud.policies.remove(_named_policy(call, cloud)[1])
    return {}


def execute_policy(call: Call, cloud: Cloud) -> Body:
    """Do what a step or simple policy says, as an alarm's notification would have it done."""
    group, policy = _named_policy(call, cloud)
    if policy.kind is Kind.TARGET_TRACKING or policy.adjustment is None:
        raise invalid(f"Cannot execute a target tracking policy: {policy.name}")
    change = policy.change
    if policy.kind is Kind.STEP:
        value = call.params.number("MetricValue")
        threshold = call.params.number("BreachThreshold")
        if value is None or threshold is None:
            raise invalid("MetricValue and BreachThreshold must be given for a step policy")
        change = step_for(policy.steps, value - threshold)
    honors = policy.kind is Kind.SIMPLE and call.params.boolean("HonorCooldown")
    if honors and cloud.now_ms() < group.cools_until_ms:
        raise AwsFault("ScalingActivityInProgress", f"{group.name} is cooling down")
    if change is None or group.is_suspended(Process.ALARM_NOTIFICATION):
        return {}
    desired = adjusted(
        group.desired,
        policy.adjustment,
        change,
        change_min=policy.change_min,
        size_min=group.size_min,
        size_max=group.size_max,
    )
    if desired != group.desired and not group.is_fixed:
        why = f"policy {policy.name} changed the desired capacity from {group.desired} to {desired}"
        cloud.resize(group, desired, why=why)
        cooldown_s = group.cooldown_s if policy.cooldown_s is None else policy.cooldown_s
        group.cools_until_ms = cloud.now_ms() + int(cooldown_s * 1000 / TIME_FACTOR)
    return {}


def _named_policy(call: Call, cloud: Cloud) -> tuple[Group, Policy]:
    name = call.params.text("PolicyName")
    wanted = call.params.optional("AutoScalingGroupName")
    for group in groups_in(call, cloud):
        if wanted in (None, group.name):
            for policy in cloud.policies.of(group.name):
                is_named = policy.name == name and wanted is not None
                if is_named or policy_arn(group, policy) == name:
                    return group, policy
    raise invalid(f"PolicyName '{name}' not found")


def _target(configuration: Params) -> Target:
    value = configuration.number("TargetValue")
    if value is None or value <= 0:
        raise invalid("TargetValue must be a number above 0")
    may_scale_in = not configuration.boolean("DisableScaleIn")
    predefined = configuration.structure("PredefinedMetricSpecification")
    metric = predefined.optional("PredefinedMetricType")
    if metric is not None:
        if metric not in (CPU, REQUESTS):
            raise invalid(f"'{metric}' is no metric of this platform; there are: {CPU}, {REQUESTS}")
        label = predefined.optional("ResourceLabel") or ""
        return Target(metric, value, label=label, may_scale_in=may_scale_in)
    custom = configuration.structure("CustomizedMetricSpecification")
    expression = custom.optional("MetricName")
    if expression is None or custom.optional("Namespace") != ATLAS:
        raise invalid(
            "a metric must be given: predefined, or customized with the Namespace "
            f"'{ATLAS}' and an expression for the platform's store as the MetricName"
        )
    statistic = custom.optional("Statistic") or STATISTICS[0]
    if statistic not in STATISTICS:
        raise invalid(f"Statistic must be one of {', '.join(STATISTICS)}: '{statistic}'")
    return Target(
        expression, value, is_expression=True, statistic=statistic, may_scale_in=may_scale_in
    )


def _read_adjustment(policy: Policy, params: Params) -> None:
    policy.adjustment = _one_of(Adjustment, params.text("AdjustmentType"), "AdjustmentType")
    policy.change_min = params.integer("MinAdjustmentMagnitude", low=0, high=CHANGE_MAX) or 0
    if policy.kind is Kind.SIMPLE:
        policy.change = params.integer("ScalingAdjustment", low=-CHANGE_MAX, high=CHANGE_MAX)
        if policy.change is None:
            raise invalid("ScalingAdjustment must be given for a simple policy")
        return
    steps = params.structures("StepAdjustments")
    if not 0 < len(steps) <= STEPS_MAX:
        raise invalid(f"A step policy has 1 to {STEPS_MAX} StepAdjustments")
    policy.steps = tuple(_step(step) for step in steps)


def _step(params: Params) -> Step:
    low = params.number("MetricIntervalLowerBound")
    high = params.number("MetricIntervalUpperBound")
    change = params.integer("ScalingAdjustment", low=-CHANGE_MAX, high=CHANGE_MAX)
    if change is None or (low is not None and high is not None and low >= high):
        raise invalid("A step has a ScalingAdjustment, and a lower bound below its upper one")
    return Step(low, high, change)


def _one_of(words: type[_Words], word: str, name: str) -> _Words:
    try:
        return words(word)
    except ValueError:
        known = ", ".join(one.value for one in words)
        raise invalid(f"{name} '{word}' is not one of: {known}") from None


ACTIONS: dict[str, Action] = {
    "DeletePolicy": delete_policy,
    "DescribePolicies": describe_policies,
    "ExecutePolicy": execute_policy,
    "PutScalingPolicy": put_policy,
}
