"""Options of the whole suite: accepting golden files, refusing skips, checking a given wheel."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent


# How fast an example is says something of the machine only, and a busy one is no failure.
_ANY_PACE = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", max_examples=20, **_ANY_PACE)
settings.register_profile("thorough", max_examples=100, **_ANY_PACE)
settings.load_profile("quick")  # `pytest --hypothesis-profile=thorough` for the other


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="rewrite golden files")
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failed one")
    parser.addoption("--wheel", default="", help="check this wheel instead of building one")


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> object:
    """With --no-skips, say of a skip that it is a failure; an expected failure stays one."""
    report = yield
    if item.config.getoption("--no-skips") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: skipped under --no-skips: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> object:
    """The same for a file that skips itself while it is read."""
    report = yield
    if collector.config.getoption("--no-skips") and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid}: skipped under --no-skips: {report.longrepr}"
    return report
