"""What is wrong with a build is in the build, and stays within its bounds."""

from __future__ import annotations

import random
import resource
import subprocess
import sys

import pytest

from demo_platform.builds import (
    BUILDS,
    LEAKY,
    OUT_OF_MEMORY,
    SLOW,
    WRONG,
    Build,
    RunningBuild,
    build_of,
    builds_of,
    image_of,
    running_build,
)
from demo_platform.topology import Addresses, Slot, cluster_of, spec_of

LEAKS = """
from pathlib import Path
from demo_platform.builds import LEAKY, RunningBuild
build, kept = RunningBuild(LEAKY), 0
for _ in range(1000):
    build.keep()
    kept += 1
    print(kept, Path("/proc/self/statm").read_text().split()[1], flush=True)
"""


@pytest.mark.parametrize("declared_s", [0.0, 0.005, 0.04, 0.24])
def test_a_slow_build_takes_eight_times_its_work_and_200_ms_more_at_least(
    declared_s: float,
) -> None:
    taken_s = RunningBuild(SLOW).work_s(declared_s)
    assert taken_s == pytest.approx(max(8 * declared_s, declared_s + 0.2))
    assert RunningBuild().work_s(declared_s) == declared_s


def test_a_wrong_build_fails_half_of_its_requests() -> None:
    wrong, good = RunningBuild(WRONG, random.Random(1)), RunningBuild()
    failed = sum(wrong.is_wrong() for _ in range(1000))
    assert 450 <= failed <= 550
    assert not any(good.is_wrong() for _ in range(1000))


def test_a_leaky_build_grows_with_each_request_and_ends_at_its_limit() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LEAKS], capture_output=True, text=True, timeout=60, check=False
    )
    lines = [tuple(map(int, line.split())) for line in ended.stdout.splitlines()]
    assert ended.returncode == OUT_OF_MEMORY, ended.stderr
    most = LEAKY.limit_bytes // LEAKY.kept_bytes
    assert 0.8 * most <= lines[-1][0] <= most
    grown_bytes = (lines[-1][1] - lines[0][1]) * resource.getpagesize()
    assert grown_bytes >= 0.8 * (lines[-1][0] - 1) * LEAKY.kept_bytes, "it is in memory"


def test_a_good_build_keeps_nothing_and_sets_no_limit() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    RunningBuild().keep()
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_each_build_has_an_image_of_its_own() -> None:
    images = {image_of(service, build) for service in ("recs", "api") for build in BUILDS}
    assert len(images) == 2 * len(BUILDS)
    assert builds_of("edge") == ("",)
    assert set(builds_of("recs")) == set(BUILDS)


def test_an_instance_is_told_its_build_by_a_label() -> None:
    slot = Slot("recs", "us-east-1", "us-east-1a", 0, (("build", "slow"),), "recs-us-east-1-v001")
    spec = spec_of(slot, 0, Addresses(), seed=1)
    assert build_of(spec.labels) == "slow"
    assert running_build(spec).work_s(1.0) == 8.0
    assert (spec.group, cluster_of(spec.group)) == ("recs-us-east-1-v001", "recs-us-east-1")


def test_a_build_with_nothing_wrong_is_the_usual_one() -> None:
    assert BUILDS[""] == Build()
