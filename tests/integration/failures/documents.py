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
    "loss": "{fault: network-loss, select: {service: recs, zone: us-east-1a}, with: {loss: 20%}",
    "duplicate": "{fault: network-duplicate, select: {service: recs, zone: us-east-1a},"
    " with: {duplicate: 20%}",
    "corrupt": "{fault: network-corrupt, select: {service: recs, zone: us-east-1a},"
    " with: {corrupt: 20%}",
    "reorder": "{fault: network-reorder, select: {service: recs, zone: us-east-1a},"
    " with: {reorder: 20%}",
    "rate": "{fault: network-rate, select: {service: recs, zone: us-east-1a}, with: {rate: 1mbit}",
    "clock": "{fault: clock-skew, select: {service: auth, zone: us-east-1a}",
    "overload": "{fault: dependency-overload, select: {service: recs, zone: us-east-1a}",
    "burn": "{fault: cpu-burn, select: {service: recs, zone: us-east-1a}",
    "memory": "{fault: memory-fill, select: {service: recs, zone: us-east-1a}",
    "files": "{fault: fd-exhaust, select: {service: recs, zone: us-east-1a}",
    "disk": "{fault: disk-fill, select: {service: recs, zone: us-east-1a}",
    "flush": "{fault: cache-flush, select: {service: evcache, zone: us-east-1a}",
    "silence": "{fault: dns-failure, select: {service: recs, zone: us-east-1a}",
    "names": "{fault: dns-failure, select: {service: recs, zone: us-east-1a},"
    " with: {answer: servfail}",
    "deploy": "{fault: bad-deploy, select: {service: recs, region: us-east-1}",
    "evacuation": "{fault: region-evacuation, select: {region: us-east-1}",
    "terminate": "{fault: instance-terminate, select: {service: recs, zone: us-east-1a}",
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
    query: name,playback.starts,:eq,:sum
    hold: {{at-least: 0, over: 1s}}
method:
{steps}
recovery: {{within: {recovery_s}s}}
"""
