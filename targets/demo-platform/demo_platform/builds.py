"""Builds of a service: the good one, and flawed ones that a deployment can bring out.

Which build an instance runs is decided by the image that it is started from, and is told to it as
a label. A flaw is in the build alone: whoever calls the instance sees what they would see of such
a program anywhere.
"""

from __future__ import annotations

import hashlib
import logging
import os
import random
import resource
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from demo_platform.topology import EDGE, InstanceSpec

BUILD_LABEL = "build"
VERSION_LABEL = "version"

OUT_OF_MEMORY = 3
"""Exit code of a process that has run out of memory."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Build:
    """What is wrong with a build; with the good one, nothing.

    times: how much longer its work takes than declared, and more_s: at least so many seconds.
    wrong_ratio: share of requests that fail. kept_bytes: what it keeps of each request for ever.
    limit_bytes: how much it can keep; then it ends. weight: it may take the memory of so many
    instances of a good build.
    """

    name: str = ""
    times: float = 1.0
    more_s: float = 0.0
    wrong_ratio: float = 0.0
    kept_bytes: int = 0
    limit_bytes: int = 0
    weight: int = 1

    def work_s(self, declared_s: float) -> float:
        """How long work takes that is declared to take so long.

        >>> [round(BUILDS["slow"].work_s(declared_s), 3) for declared_s in (0.005, 0.04)]
        [0.205, 0.32]
        """
        return max(self.times * declared_s, declared_s + self.more_s)


GOOD = Build()
SLOW = Build("slow", times=8.0, more_s=0.2)
WRONG = Build("wrong", wrong_ratio=0.5)
LEAKY = Build("leaky", kept_bytes=2**20, limit_bytes=96 * 2**20, weight=8)

BUILDS: Mapping[str, Build] = {one.name: one for one in (GOOD, SLOW, WRONG, LEAKY)}
"""By name; the good one has none."""


def builds_of(service: str) -> tuple[str, ...]:
    """The builds there are of a service. An edge has a server of its own, and is always good."""
    return (GOOD.name,) if service == EDGE else tuple(BUILDS)


def image_of(service: str, build: str = GOOD.name) -> str:
    """The image that instances of a service's build are started from."""
    words = f"{service}-{build}" if build else service
    return "ami-" + hashlib.sha256(words.encode()).hexdigest()[:17]


def build_of(labels: tuple[tuple[str, str], ...]) -> str:
    """The build that these labels tell an instance to run."""
    return dict(labels).get(BUILD_LABEL, GOOD.name)


class RunningBuild:
    """A build as one process runs it."""

    def __init__(self, build: Build = GOOD, chance: random.Random | None = None) -> None:
        self._build = build
        self._chance = chance or random.Random(0)  # noqa: S311 - fails requests, keeps no secret
        self._kept: list[bytes] = []

    def work_s(self, declared_s: float) -> float:
        """How long work takes that is declared to take so long."""
        return self._build.work_s(declared_s)

    def is_wrong(self) -> bool:
        """Whether the build gets this request wrong."""
        return self._build.wrong_ratio > 0 and self._chance.random() < self._build.wrong_ratio

    def keep(self) -> None:
        """Keep memory for a request, for ever; the process ends where it may have no more."""
        build = self._build
        if not build.kept_bytes:
            return
        if not self._kept:
            # Not sooner: what a server starts with, threads and all, is no part of the leak.
            _limit_memory(build.limit_bytes)
        try:
            self._kept.append(b"x" * build.kept_bytes)
        except MemoryError:
            _log.error("out of memory after %d requests", len(self._kept))
            os._exit(OUT_OF_MEMORY)


def running_build(spec: InstanceSpec) -> RunningBuild:
    """The build that an instance is to run."""
    seed = f"{spec.seed}/{spec.id}/build"
    return RunningBuild(BUILDS[build_of(spec.labels)], random.Random(seed))  # noqa: S311 - as above


def _limit_memory(more_bytes: int) -> None:
    """Let this process have so much more memory than it has now, and no more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + more_bytes
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
