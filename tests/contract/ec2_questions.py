"""What the wire tests ask of EC2 and Auto Scaling, ours or another's."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud_servers import GROUP


def until(claim: Callable[[], Any], within_s: float = 8.0) -> Any:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = claim()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {within_s} s")


def refused(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    """Code and message of the error."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def the_group(groups: Any, name: str = GROUP) -> Any:
    (found,) = groups.describe_auto_scaling_groups(AutoScalingGroupNames=[name])[
        "AutoScalingGroups"
    ]
    return found


def serving(groups: Any, name: str = GROUP) -> list[Any]:
    members = the_group(groups, name)["Instances"]
    return [one for one in members if one["LifecycleState"] == "InService"]


def settled(groups: Any, count: int = 3) -> list[Any]:
    groups.set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=count)
    until(lambda: len(serving(groups)) == count)
    return serving(groups)
