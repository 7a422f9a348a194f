"""What the benchmark stores: a hundred series of every node of a fleet, the same in each run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

STEP_S = 60
SEED = 20_26
CPU, REQUESTS, LATENCY, BUCKETS = "cpu.load", "requests", "latency", "latency.pct"
READ_NAMES = (CPU, REQUESTS, LATENCY, BUCKETS)
"""What queries read; only these are reported at every step."""

_STATUSES = ("200", "204", "400", "404", "503")
_STATISTICS = ("count", "totalTime", "totalOfSquares", "max")
_BUCKET_COUNT = 20
_TEMPLATE_COUNT = 100
_STACKS = ("main", "canary", "batch", "edge", "test")


@dataclass(frozen=True, slots=True)
class Size:
    """How large a fleet is; a node has a hundred series."""

    nodes: int
    clusters: int


SIZES = {"S": Size(100, 10), "M": Size(1_000, 50), "L": Size(10_000, 200)}


def bucket(number: int) -> str:
    """The tag value of a bucket of a timer."""
    return f"T{0x60 + number:04X}"


def _templates() -> list[dict[str, str]]:
    """The series of a node without the tags of the node."""
    found = [{"name": CPU}]
    for status in _STATUSES:
        found += [{"name": REQUESTS, "status": status, "method": m} for m in ("GET", "POST")]
    found += [{"name": LATENCY, "statistic": statistic} for statistic in _STATISTICS]
    percentile = {"name": BUCKETS, "statistic": "percentile"}
    found += [{**percentile, "percentile": bucket(n)} for n in range(_BUCKET_COUNT)]
    pools = range(_TEMPLATE_COUNT - len(found))
    return found + [{"name": f"pool.{n // 5:02d}", "id": f"p{n % 5}"} for n in pools]


@dataclass(frozen=True)
class Dataset:
    """Series of a fleet: that of template t and node n is row 100 · n + t, of 7 to 9 tags."""

    size: Size
    end_s: int
    steps: int

    @property
    def series_count(self) -> int:
        """How many series there are."""
        return self.size.nodes * _TEMPLATE_COUNT

    def time_s(self, step: int) -> int:
        """The time of a step; the last one is at `end_s`."""
        return self.end_s - (self.steps - 1 - step) * STEP_S

    @cached_property
    def cluster_of(self) -> Ints:
        """Number of the cluster of each node."""
        return np.arange(self.size.nodes) // (self.size.nodes // self.size.clusters)

    @cached_property
    def app_of(self) -> Ints:
        """Number of the application of each node; every fifth cluster is of the same one."""
        return self.cluster_of % max(self.size.clusters // 5, 2)

    def cluster_name(self, cluster: int) -> str:
        """The tag value of a cluster: application, stack and number."""
        apps = max(self.size.clusters // 5, 2)
        stack = _STACKS[cluster // apps % len(_STACKS)]
        return f"app{cluster % apps:03d}-{stack}-c{cluster:03d}"

    def tags(self) -> Iterator[dict[str, str]]:
        """The tags of every row, in order."""
        templates = _templates()
        for node in range(self.size.nodes):
            cluster = self.cluster_name(int(self.cluster_of[node]))
            app, stack, _ = cluster.split("-")
            common = {
                "nf.app": app,
                "nf.cluster": cluster,
                "nf.stack": stack,
                "nf.zone": f"zone-{'abc'[node % 3]}",
                "nf.node": f"i-{node:06d}",
                "atlas.dstype": "gauge",
            }
            yield from ({**template, **common} for template in templates)

    def columns(self, name: str, **tags: str) -> Ints:
        """The templates of a name whose tags begin with these values."""
        return np.array(
            [
                number
                for number, template in enumerate(_templates())
                if template["name"] == name
                and all(template[key].startswith(value) for key, value in tags.items())
            ]
        )

    def rows_read(self) -> Ints:
        """The rows that queries read."""
        columns = np.concatenate([self.columns(name) for name in READ_NAMES])
        starts = np.arange(self.size.nodes) * _TEMPLATE_COUNT
        rows: Ints = (starts[:, None] + np.sort(columns)).ravel()
        return rows

    def values(self, step: int) -> Floats:
        """Every value at a step, shape (nodes, templates): two decimals, as of a real fleet.

        A third of the pools never change, and errors are zero nine times in ten.
        """
        chance = np.random.default_rng((SEED, step))
        changing = chance.integers(0, 10_000, self._base.shape) / 100
        values = self._base + np.where(self._is_constant, 0.0, changing)
        is_idle = self._is_mostly_zero & (chance.random(self._base.shape) < 0.9)
        return np.where(is_idle, 0.0, values).round(2)

    @cached_property
    def _base(self) -> Floats:
        shape = self.size.nodes, _TEMPLATE_COUNT
        return np.random.default_rng(SEED).uniform(1, 900, shape).round(2)

    @cached_property
    def _is_constant(self) -> npt.NDArray[np.bool_]:
        names = [template["name"] for template in _templates()]
        return np.array([n.startswith("pool.") and int(n[-2:]) % 3 == 0 for n in names])

    @cached_property
    def _is_mostly_zero(self) -> npt.NDArray[np.bool_]:
        return np.array([template.get("status", "2")[0] in "45" for template in _templates()])
