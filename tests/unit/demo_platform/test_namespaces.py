"""Refusals of the kernel are explained by the setting that causes them; addresses are packed."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from demo_platform import namespaces


@pytest.mark.parametrize(
    ("setting", "value", "fix"),
    [
        ("unprivileged_userns_clone", "0\n", "kernel.unprivileged_userns_clone=1"),
        ("apparmor_restrict_unprivileged_userns", "1\n", "apparmor_restrict_unprivileged_userns=0"),
        ("max_user_namespaces", "0\n", "user.max_user_namespaces=10000"),
        ("max_net_namespaces", "0\n", "user.max_net_namespaces=10000"),
    ],
)
def test_setting_that_forbids_is_named(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str, fix: str
) -> None:
    def read(path: Path) -> str:
        if path.name == setting:
            return value
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", read)
    error = namespaces.refused(OSError(errno.EPERM, "Operation not permitted"))
    assert setting in error.where
    assert fix in error.fix
    assert "--fabric loopback" in error.fix


@pytest.mark.parametrize(
    ("number", "fix"), [(errno.ENOSPC, "max_user_namespaces"), (errno.EPERM, "seccomp")]
)
def test_without_a_known_setting_the_likeliest_cure_is_named(
    monkeypatch: pytest.MonkeyPatch, number: int, fix: str
) -> None:
    monkeypatch.setattr(namespaces, "_OBSTACLES", ())
    assert fix in namespaces.refused(OSError(number, "no")).fix


def test_hardware_address_is_made_of_the_address() -> None:
    assert namespaces.hardware_address("10.2.3.17") == "02:00:0a:02:03:11"
