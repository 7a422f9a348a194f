"""Finding documents, and reading files that are none."""

from __future__ import annotations

import pytest

from chaosctl.errors import InvalidExperiment
from chaosctl.experiment.load import bundled_names, decode, find, load_bundled
from chaosctl.experiment.nodes import SIZE_BYTES_MAX


def problem_of(call, *arguments):
    with pytest.raises(InvalidExperiment) as caught:
        call(*arguments)
    [problem] = caught.value.problems
    return problem


def test_find_takes_a_bundled_name():
    found = find("kill-one")
    assert (found.name, found.source) == ("kill-one", "experiments/kill-one.yaml")
    assert found.text.startswith("#")


def test_find_takes_a_path(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("title: x\n")
    assert find(str(path)).name == "mine"
    assert find(str(path)).text == "title: x\n"


def test_find_takes_a_file_without_suffix_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text("title: x\n")
    assert find("mine").name == "mine"


def test_find_guesses_what_was_meant(tmp_path):
    assert "did you mean 'kill-one'?" in problem_of(find, "kil-one").fix
    (tmp_path / "zone.yaml").write_text("")
    missing = problem_of(find, str(tmp_path / "zona.yaml"))
    assert "no such file" in missing.what
    assert "zone.yaml'?" in missing.fix


def test_find_lists_the_names_for_one_it_does_not_know():
    fix = problem_of(find, "qqq").fix
    assert all(name in fix for name in bundled_names())


def test_find_refuses_a_folder(tmp_path):
    assert "is a directory" in problem_of(find, str(tmp_path)).what


def test_decode_bounds_the_size():
    assert "larger than 1 MB" in problem_of(decode, b"a" * (SIZE_BYTES_MAX + 1), "a").what


def test_decode_takes_a_byte_order_mark():
    assert decode("\ufefftitle: é".encode(), "a") == "title: é"


def test_bundled_experiment_knows_its_name_and_hash():
    experiment = load_bundled("zone-outage")
    assert experiment.name == "zone-outage"
    assert len(experiment.sha256) == 64
