"""The data that the recorded questions were asked of: 2,403 series, 516,754 datapoints.

Every value is a function of its series and of the minute: nothing differs between two runs. Times
are seconds from the *base end*, a noon in UTC; minute 0 is the base end itself, -1 the one before.
Most series hold the last 190 minutes, a few the last 600.

What the values are is history: the recorded answers were computed from them. A test holds their
digest, so that no change here goes unseen.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from tests.oracle.chance import Noise, wave
from tests.oracle.edges import EDGES, LONG_MIN, SHORT_MIN, Value

STEP_S = 60

Tags = dict[str, str]
Points = list[tuple[int, float]]

ZONES = {
    "us-east-1": ("us-east-1a", "us-east-1c", "us-east-1d"),
    "eu-west-1": ("eu-west-1a", "eu-west-1b"),
}
APPS = ("api", "web", "playback", "billing")
NODES_PER_CLUSTER = 4


@dataclass(frozen=True, slots=True)
class Series:
    """One series: its tags, and its points in order of time."""

    tags: Tags
    points: Points


@dataclass(frozen=True, slots=True)
class Node:
    """An instance: its number among all and its place in its cluster."""

    tags: Tags
    number: int
    place: int

    def series(
        self, name: str, dstype: str, value: Value, minutes: int = SHORT_MIN, **more: str
    ) -> Series:
        """A series of this instance."""
        return series({**self.tags, "name": name, **more}, dstype, value, minutes)


def series(tags: Tags, dstype: str, value: Value, minutes: int = SHORT_MIN) -> Series:
    """A series with a value a minute, on the minute."""
    valued = ((i * STEP_S, value(i)) for i in range(1 - minutes, 1))
    points = [(at_s, number) for at_s, number in valued if number is not None]
    return Series({**tags, "atlas.dstype": dstype}, points)


def nodes() -> list[Node]:
    """Four instances in each of eight clusters."""
    found = []
    clusters = [(app, stack) for app in APPS for stack in ("main", "canary")]
    for app, stack in clusters:
        for place in range(NODES_PER_CLUSTER):
            number = len(found)
            is_abroad = place == 3 and app in ("api", "playback")
            region = "eu-west-1" if is_abroad else "us-east-1"
            zones = ZONES[region]
            cluster = f"{app}-{stack}"
            tags = {
                "nf.app": app,
                "nf.stack": stack,
                "nf.cluster": cluster,
                "nf.asg": f"{cluster}-v00{1 + number % 3}",
                "nf.node": f"i-{zlib.crc32(f'{cluster}{place}'.encode()):08x}",
                "nf.region": region,
                "nf.zone": zones[(number + place) % len(zones)],
            }
            found.append(Node(tags, number, place))
    return found


def all_series() -> Iterator[Series]:
    """Every series. The order is part of the data: reports of one instant come in it."""
    everyone = nodes()
    for family in (requests, gauges, timers, percentiles):
        for node in everyone:
            yield from family(node)
    yield from stream_starts()
    for family in (queues, counters, instances, caches):
        for node in everyone:
            yield from family(node)
    yield from unique_users()
    yield from tagged_values()
    yield from edges()
    yield from off_grid()
    yield from repeated()
    yield from probes()


def requests(node: Node) -> Iterator[Series]:
    """Rates by status and method; errors burst for ten minutes."""
    for status, scale in (("200", 50.0), ("404", 2.0), ("500", 0.5)):
        for method, share in (("GET", 1.0), ("POST", 0.25)):
            noise = Noise(f"http{node.number}{status}{method}")

            def value(i: int, noise=noise, level=scale * share, status=status) -> float:
                shape = 1 + 0.4 * wave(i, 120, node.number * 7) + 0.2 * noise(i)
                is_burst = status == "500" and -40 < i <= -30
                return round(level * shape * (20 if is_burst else 1), 4)

            more = {"status": status, "method": method, "statistic": "count"}
            yield node.series("http.requests", "rate", value, **more)


def gauges(node: Node) -> Iterator[Series]:
    """Processor, memory and disks; disk `sdb` is idle two minutes of three."""
    n = node.number
    for name, base, amplitude in (
        ("cpu.user", 35.0, 20.0),
        ("cpu.system", 10.0, 5.0),
        ("cpu.idle", 50.0, 25.0),
    ):
        noise = Noise(f"{name}{n}")

        def load(i: int, noise=noise, base=base, amplitude=amplitude) -> float:
            swing = amplitude * wave(i, 90, n * 11) * 0.5
            return round(base + swing + amplitude * 0.3 * noise(i), 4)

        yield node.series(name, "gauge", load, LONG_MIN if name == "cpu.user" else SHORT_MIN)
    used = Noise(f"mem.used{n}")
    yield node.series(
        "mem.used", "gauge", lambda i: float(round(6.0e9 + (2e9 * used(i // 5) + 1e7 * n)))
    )
    yield node.series("mem.total", "gauge", lambda _: 1.6e10)
    for device in ("sda", "sdb", "nvme0n1"):
        for op in ("read", "write"):
            noise = Noise(f"disk{n}{device}{op}")

            def busy(i: int, noise=noise, device=device) -> float:
                return 0.0 if device == "sdb" and i % 3 else float(int(1000 * noise(i)))

            yield node.series("disk.io", "rate", busy, device=device, op=op)


def timers(node: Node) -> Iterator[Series]:
    """A timer by action, and a distribution summary."""
    for action in ("minor", "major"):
        for statistic in ("count", "totalTime", "totalOfSquares", "max"):
            value = _pause(node.number, action, statistic)
            dstype = "gauge" if statistic == "max" else "rate"
            yield node.series("jvm.gc.pause", dstype, value, action=action, statistic=statistic)
    for statistic in ("count", "totalAmount", "totalOfSquares", "max"):
        value = _payload(node.number, statistic)
        dstype = "gauge" if statistic == "max" else "rate"
        yield node.series("payload.size", dstype, value, statistic=statistic)


def _pause(number: int, action: str, statistic: str) -> Value:
    key = f"gc{number}{action}"
    often, long = Noise(key), Noise(key + "a")

    def value(i: int) -> float:
        if action == "minor":
            count, mean = 0.05 + 0.1 * often(i), 0.02 * (1 + long(i))
        else:
            count, mean = 0.02 if i % 10 == 0 else 0.0, 0.5 * (1 + long(i))
        match statistic:
            case "count":
                return round(count, 6)
            case "totalTime":
                return round(count * mean, 8)
            case "totalOfSquares":
                return round(count * mean * mean * 1.3, 10)
            case _:
                return round(mean * 2.5 if count else 0.0, 6)

    return value


def _payload(number: int, statistic: str) -> Value:
    often, large = Noise(f"pay{number}"), Noise(f"pay{number}s")

    def value(i: int) -> float:
        count, mean = 5 + 3 * often(i), 2048 * (1 + large(i))
        match statistic:
            case "count":
                return round(count, 4)
            case "totalAmount":
                return round(count * mean, 4)
            case "totalOfSquares":
                return round(count * mean * mean * 1.1, 4)
            case _:
                return float(int(mean * 4))

    return value


def percentiles(node: Node) -> Iterator[Series]:
    """Buckets of a timer and of a summary on the first instance of each cluster."""
    if node.place > 0:
        return
    n = node.number
    centre = 0x60 + 8 + n % 6
    for bucket in range(0x60, 0x60 + 26):
        more = {"statistic": "percentile", "percentile": f"T{bucket:04X}"}
        yield node.series("req.latency", "rate", _latency(n, bucket, abs(bucket - centre)), **more)
    for bucket in range(0x25, 0x25 + 18):
        noise = Noise(f"siz{n}{bucket}")

        def size(i: int, noise=noise, bucket=bucket) -> float:
            return round(0.5 + 4 * noise(i), 4) if (bucket + i) % 4 else 0.0

        more = {"statistic": "percentile", "percentile": f"D{bucket:04X}"}
        yield node.series("req.size", "rate", size, **more)
    for statistic, scale in (
        ("count", 40.0),
        ("totalTime", 2.0),
        ("totalOfSquares", 0.2),
        ("max", 0.4),
    ):
        noise = Noise(f"latst{n}{statistic}")

        def total(i: int, noise=noise, scale=scale) -> float:
            return round(scale * (1 + noise(i)), 6)

        dstype = "gauge" if statistic == "max" else "rate"
        yield node.series("req.latency", dstype, total, statistic=statistic)


def _latency(number: int, bucket: int, distance: int) -> Value:
    noise = Noise(f"lat{number}{bucket}")
    if distance < 9:
        return lambda i: round(max(0.0, 6.0 - distance * 0.7) * (0.6 + 0.8 * noise(i)), 4)
    return lambda i: 0.0 if i % 2 else round(0.01 * noise(i), 4)


def stream_starts() -> Iterator[Series]:
    """Ten hours of stream starts by country and device."""
    for cluster in ("playback-main", "playback-canary", "api-main", "web-main"):
        for c, country in enumerate(("us", "br", "de", "jp", "gb")):
            for d, device in enumerate(("tv", "phone", "tablet", "console")):
                noise = Noise(f"sps{cluster}{country}{device}")

                def value(i: int, noise=noise, c=c, level=300 - 50 * c - 20 * d) -> float:
                    return round(level * (1 + 0.5 * wave(i, 360, c * 60)) + 10 * noise(i), 4)

                tags = {"name": "sps", "nf.app": cluster.split("-")[0], "nf.cluster": cluster}
                tags |= {"country": country, "device": device}
                yield series(tags, "rate", value, LONG_MIN)


def queues(node: Node) -> Iterator[Series]:
    """A gauge that, by instance, is silent for a while, reports NaN, loses reports, or is whole."""
    key, n = f"queue{node.number}", node.number
    depth, loss = Noise(key), Noise(key + "m")

    def value(i: int) -> float | None:
        if n % 4 == 0 and -60 <= i < -45:
            return None
        if n % 4 == 1 and i % 5 == 0:
            return math.nan
        if n % 4 == 2 and loss(i) < 0.3:
            return None
        return float(int(100 * depth(i)))

    yield node.series("queue.depth", "gauge", value)


def counters(node: Node) -> Iterator[Series]:
    """Counters of which some start again and some pause; a sum that is told thrice a minute."""
    n = node.number
    for direction in ("in", "out"):
        tags = {**node.tags, "name": "net.bytes", "direction": direction, "atlas.dstype": "counter"}
        yield Series(tags, list(_bytes(n, Noise(f"net{n}{direction}"))))
    parts = [(Noise(f"jobs{n}{j}"), shift_s) for j, shift_s in enumerate((-40, -20, 0))]
    points = [
        (i * STEP_S + shift_s, float(int(10 * noise(i))))
        for i in range(1 - SHORT_MIN, 1)
        for noise, shift_s in parts
    ]
    yield Series({**node.tags, "name": "jobs.completed", "atlas.dstype": "sum"}, points)


def _bytes(number: int, noise: Noise) -> Iterator[tuple[int, float]]:
    total = 1000.0 * number
    for i in range(1 - SHORT_MIN, 1):
        total += float(int(6000 * (1 + noise(i))))
        if number % 8 == 3 and i == -50:
            total = 100.0  # the process was started again
        is_silent = number % 8 == 5 and -30 < i < -20  # for longer than two steps
        if not is_silent:
            yield i * STEP_S, total


def instances(node: Node) -> Iterator[Series]:
    """What custom averages divide by: who is polled, and who is up."""
    yield node.series("poller.asg.instance", "gauge", lambda _: 1.0)
    state = "DOWN" if node.place == 3 else "UP"

    def is_up(i: int) -> float:
        return 1.0 if node.place != 2 or i < -30 else 0.0

    yield node.series("discovery.status", "gauge", is_up, state=state)


def caches(node: Node) -> Iterator[Series]:
    """Twenty shards an instance: many series of one name."""
    for shard in range(20):
        noise = Noise(f"cache{node.number}{shard}")

        def value(i: int, noise=noise, shard=shard) -> float:
            return round(10 + shard * noise(i), 4)

        more = {"shard": f"s{shard:02d}", "id": f"cache_{shard % 4}"}
        yield node.series("cache.hits", "rate", value, **more)


def unique_users() -> Iterator[Series]:
    """Registers of a sketch that counts distinct users, by region."""
    for region in ZONES:
        for register in range(64):
            noise = Noise(f"hll{region}{register}")

            def value(i: int, noise=noise) -> float:
                return float(1 + int(-math.log2(1 - noise(i // 3) * 0.999)))

            tags = {"name": "server.uniqueUsers", "nf.region": region}
            tags |= {"statistic": "distinct", "distinct": f"H{register:04X}"}
            yield series(tags, "gauge", value)


def tagged_values() -> Iterator[Series]:
    """Versions and classes for the operators of queries; every third has one more tag."""
    versions = ("1", "2", "10", "1.5", "2.0", "0.9", "9", "a1", "Z", "~", "_", "^")
    classes = ("Alpha", "alpha", "ALPHA", "beta", "Beta-2", "gamma.ray", "gamma_ray", "x~y^z")
    classes += ("delta", "-lead", "trail-", "a.b.c")
    for n, (version, kind) in enumerate(zip(versions, classes, strict=True)):
        tags = {"name": "tagged.values", "version": version, "class": kind}
        if n % 3 == 0:
            tags["optional"] = f"opt{n}"
        yield series(tags, "gauge", lambda _, n=n: float(n + 1))


def edges() -> Iterator[Series]:
    """Shapes and values at which arithmetic goes wrong."""
    for kind, (value, minutes, dstype) in EDGES.items():
        yield series(_edge(kind), dstype, value, minutes)
    untyped = series(_edge("dflt"), "", lambda i: float(i % 4))
    del untyped.tags["atlas.dstype"]
    yield untyped


def off_grid() -> Iterator[Series]:
    """Reports 23 seconds before the minute, of each type."""
    for dstype in ("gauge", "rate", "counter", "sum"):
        total, points = 0.0, []
        for i in range(1 - SHORT_MIN, 1):
            value = float(1 + i % 5)
            total += value * 60
            points.append((i * STEP_S - 23, total if dstype == "counter" else value))
        yield Series({**_edge(f"offgrid.{dstype}"), "atlas.dstype": dstype}, points)


def repeated() -> Iterator[Series]:
    """Several reports within one step, of a gauge and of a rate."""
    minutes = range(1 - SHORT_MIN, 1)
    shifts = ((-45, lambda i: 5.0 + i % 3), (-30, lambda i: 9.0 - i % 4), (-5, lambda _: 1.0))
    points = [(i * STEP_S + shift_s, value(i)) for i in minutes for shift_s, value in shifts]
    yield Series({**_edge("multi.gauge"), "atlas.dstype": "gauge"}, points)
    points = [(i * STEP_S + shift_s, v) for i in minutes for shift_s, v in ((-30, 4.0), (0, 8.0))]
    yield Series({**_edge("multi.rate"), "atlas.dstype": "rate"}, points)


def probes() -> Iterator[Series]:
    """Series that fell silent, for questions that publish first."""
    for slot in ("a", "b", "c"):
        tags = {"name": "pub.probe", "slot": slot, "nf.app": "pub"}
        yield series(tags, "gauge", lambda i: 1.0 if i <= -100 else None)


def _edge(kind: str) -> Tags:
    return {"name": f"edge.{kind}", "kind": kind, "nf.app": "edge"}
