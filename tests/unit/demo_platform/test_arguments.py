"""The command line becomes settings, or an error with what, where and fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from demo_platform.arguments import parse, settings_of
from demo_platform.errors import DemoError
from demo_platform.settings import AUTO, OFF

CASES = yaml.safe_load(
    (Path(__file__).parents[2] / "data/demo-world/arguments.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case["argv"])[:60])
def test_arguments(case: dict[str, Any]) -> None:
    if "refused" in case:
        with pytest.raises(DemoError) as caught:
            settings_of(parse(case["argv"]))
        assert case["refused"]["what"] in caught.value.what
        assert case["refused"]["where"] in caught.value.where
        assert case["refused"]["fix"] in caught.value.fix
        return
    settings = settings_of(parse(case["argv"]))
    for name, value in case["gives"].items():
        given = settings.size.name if name == "size" else getattr(settings, name)
        assert _plain(given) == value


def _plain(value: object) -> object:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize(("text", "port"), [("auto", AUTO), ("off", OFF), ("7981", 7981)])
def test_port_of_the_aws_apis_is_chosen_or_not(text: str, port: int) -> None:
    assert settings_of(parse(["up", "--dir", "/tmp/x", "--aws-port", text])).aws_port == port


@pytest.mark.parametrize("text", ["of", "80", "-1", "70000"])
def test_impossible_port_of_the_aws_apis_is_named(text: str) -> None:
    with pytest.raises(DemoError) as caught:
        settings_of(parse(["up", "--dir", "/tmp/x", f"--aws-port={text}"]))
    assert caught.value.where == "--aws-port"
