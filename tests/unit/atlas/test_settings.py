"""What a server has by itself, and how options and files change it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from atlas.__main__ import main
from atlas.errors import BadData
from atlas.settings import Listen, Settings, StoreSettings, changed
from atlas.settings_file import SETTINGS


def leaves(value: object, prefix: str = "") -> set[str]:
    """Dotted paths of all that is no dataclass itself."""
    if not dataclasses.is_dataclass(value):
        return {prefix.rstrip(".")}
    fields = dataclasses.fields(value)
    return set().union(*(leaves(getattr(value, f.name), f"{prefix}{f.name}.") for f in fields))


def test_every_value_can_be_set_by_the_file():
    paths = [path for setting in SETTINGS.values() for path in setting.paths]
    assert sorted(paths) == sorted(leaves(Settings()))


def test_changed_keeps_what_is_not_named():
    settings = changed(Settings(), {"store.step_ms": 1000, "store.limits.tags.key_size_max": 9})
    assert (settings.store.step_ms, settings.store.limits.tags.key_size_max) == (1000, 9)
    assert settings.store.keep_ms == Settings().store.keep_ms
    assert settings.store.limits.tags.key_size_min == 2
    assert changed(Settings(), {}) == Settings()


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        (Listen(), ("127.0.0.1", 7101)),
        (Listen(unix_path=Path("s")), None),
        (Listen(unix_path=Path("s"), port=1), ("127.0.0.1", 1)),
        (Listen(unix_path=Path("s"), host="::1"), ("::1", 7101)),
        (Listen(host="0.0.0.0", port=0), ("0.0.0.0", 0)),
    ],
)
def test_tcp_is_left_out_only_if_nothing_but_a_socket_is_named(listen, address):
    assert listen.tcp_address == address


@pytest.mark.parametrize(
    ("step_ms", "max_age_ms", "age_ms"),
    [(1000, None, 60_000), (120_000, None, 120_000), (1000, 5000, 5000)],
)
def test_data_may_be_a_step_late_and_a_minute_at_least(step_ms, max_age_ms, age_ms):
    assert StoreSettings(step_ms=step_ms, max_age_ms=max_age_ms).config().max_age_ms == age_ms


def test_store_that_forgets_before_data_is_late_is_refused():
    with pytest.raises(BadData, match="kept for 1000 ms only"):
        StoreSettings(keep_ms=1000).config()


@pytest.fixture
def served(monkeypatch) -> list[Settings]:
    """The settings that a server was started with."""
    found: list[Settings] = []
    monkeypatch.setattr("atlas.server.serve.serve", found.append)
    return found


def test_options_win_over_the_file(served, tmp_path):
    file = tmp_path / "server.yaml"
    file.write_text("{store: {step: 5s, keep: 2h}, listen: {port: 1, host: '::1'}}")
    assert main(["serve", "--config", str(file), "--step", "10s", "--port", "2"]) == 0
    (settings,) = served
    assert (settings.store.step_ms, settings.store.keep_ms) == (10_000, 7_200_000)
    assert settings.listen.tcp_address == ("::1", 2)


def test_without_options_all_is_as_by_default(served):
    assert main(["serve"]) == 0
    assert served == [Settings()]


def test_port_of_the_file_yields_to_a_socket_given_beside_it(served, tmp_path):
    assert main(["serve", "--unix", "store.sock"]) == 0
    assert served[0].listen == Listen(unix_path=Path("store.sock"))


def test_file_that_cannot_be_used_ends_the_command_with_its_place(served, tmp_path, capsys):
    file = tmp_path / "server.yaml"
    file.write_text("store:\n  stpe: 60s\n")
    assert main(["serve", "--config", str(file)]) == 2
    assert served == []
    error = capsys.readouterr().err
    assert error.startswith(f"atlas: {file}:2:3: unknown key 'stpe'\n  fix: did you mean 'step'? ")
