"""Short experiments for the failure tests: every fault, judged by a check that cannot break."""

from __future__ import annotations

FAULTS = {
    "unreachable": "{fault: zone-outage, select: {zone: us-east-1a}, with: {mode: unreachable}",
    "dead": "{fault: zone-outage, select: {zone: us-east-1a}, with: {mode: dead}",
    "hang": "{fault: instance-hang, select: {service: recs, zone: us-east-1a}",
    "latency": "{fault: network-latency, select: {service: recs, zone: us-east-1a},"
    " with: {delay: 300ms}",
    "partition": "{fault: network-partition, select: {service: api, zone: us-east-1a},"
    " with: {from: {service: recs}}",
    "kill": "{fault: instance-kill, select: {service: recs, zone: us-east-1a},"
    " with: {replacement: suspend}",
}


def document(*faults: str, for_s: float = 4, baseline_s: int = 2, recovery_s: int = 10) -> str:
    """A document that does these faults one after the other."""
    steps = "\n".join(f"  - {FAULTS[fault]}, for: {for_s}s}}" for fault in faults)
    return f"""title: a short one
target: {{driver: demo}}
baseline: {{for: {baseline_s}s}}
hypothesis:
  - name: something is measured
    query: name,viewers.starts,:eq,:sum
    hold: {{at-least: 0, over: 1s}}
method:
{steps}
recovery: {{within: {recovery_s}s}}
"""
