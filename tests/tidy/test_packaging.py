"""The wheel holds the five packages, their data, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PACKAGES = {"atlas", "chaosctl", "demo_platform", "experiments", "monkeys"}
SOURCES = ("atlas", "chaosctl", "experiments", "monkeys", "targets", "tests")
SOURCES += ("pyproject.toml", "README.md", "LICENSE")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


@pytest.fixture(scope="session")
def wheel(request, root, tmp_path_factory) -> Path:
    """The wheel that was given by --wheel, else one built from a copy of the sources."""
    if given := request.config.getoption("--wheel"):
        return Path(given)
    copy, out = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        if (root / name).is_dir():
            shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("*.egg-info"))
        else:
            shutil.copy(root / name, copy / name)
    command = [sys.executable, "-c", BUILD, str(out)]
    subprocess.run(command, cwd=copy, check=True, capture_output=True, timeout=60)
    return next(out.glob("*.whl"))


def test_wheel_holds_the_five_packages_only(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


def test_wheel_holds_every_source_and_data_file(wheel, root, product):
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {str(s.path).removeprefix("targets/demo-platform/") for s in product}
    expected |= {str(path.relative_to(root)) for path in (root / "experiments").rglob("*.yaml")}
    fonts = (root / "atlas/render/fonts").iterdir()
    expected |= {str(path.relative_to(root)) for path in fonts}
    expected |= {f"{package}/py.typed" for package in PACKAGES}
    assert expected - names == set()
