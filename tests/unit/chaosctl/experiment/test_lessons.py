"""Lessons: found by name, and told by their own comments."""

from __future__ import annotations

import pytest

from chaosctl.errors import InvalidExperiment
from chaosctl.experiment.lessons import all_lessons, lesson, story
from chaosctl.experiment.load import Document


def test_a_lesson_is_its_two_documents() -> None:
    for name in all_lessons():
        taught = lesson(name)
        assert (taught.flawed.name, taught.fixed.name) == (f"{name}-flawed", f"{name}-fixed")
        for document in (taught.flawed, taught.fixed):
            told = story(document)
            assert any(paragraph.startswith("Expected: ") for paragraph in told)
            assert not told[0].startswith("Expected: ")


def test_a_misspelt_lesson_is_named() -> None:
    with pytest.raises(InvalidExperiment) as raised:
        lesson("optional-dependancy")
    (problem,) = raised.value.problems
    assert "did you mean 'optional-dependency'?" in problem.fix


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("# one\n#  two\n#\n# three\ntitle: x\n# not this\n", ["one two", "three"]),
        ("#\n# one\n#\n#\n# two\n", ["one", "two"]),
        ("title: x\n", []),
        ("", []),
    ],
)
def test_the_story_is_the_comment_at_the_head(text: str, told: list[str]) -> None:
    assert story(Document("n", "n.yaml", text)) == told
