"""Unknown names are answered with the nearest known one."""

from __future__ import annotations

from demo_platform.errors import unknown_name


def test_near_name_is_offered() -> None:
    error = unknown_name("size", "norml", ["normal", "small"], where="--size")
    assert str(error) == (
        "--size: unknown size 'norml'\n  fix: did you mean 'normal'? known: normal, small"
    )


def test_far_name_gets_the_list() -> None:
    error = unknown_name("size", "huge", ["normal", "small"], where="--size")
    assert error.fix == "choose one of: normal, small"
