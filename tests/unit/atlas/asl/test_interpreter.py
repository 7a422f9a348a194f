"""Limits, suggestions, and adding a word."""

from __future__ import annotations

import pytest

from atlas.asl.interpreter import VocabularyInterpreter
from atlas.asl.word import Vocabulary
from atlas.asl.words import MATH
from atlas.errors import AslError


@pytest.mark.parametrize(
    ("program", "what"),
    [
        (",".join(["1"] * 1025), "stack overflow: stack size exceeds limit of 1024"),
        (f"(,{','.join(['1'] * 1025)},)", "stack overflow: list size exceeds limit of 1024"),
    ],
)
def test_stack_and_lists_are_bounded(program, what):
    with pytest.raises(AslError, match=what):
        VocabularyInterpreter(MATH).run(program)


def test_full_stack_and_list_are_not_over_the_bound():
    assert len(VocabularyInterpreter(MATH).run(",".join(["1"] * 1024))) == 1024
    (items,) = VocabularyInterpreter(MATH).run(f"(,{','.join(['1'] * 1024)},)")
    assert len(items) == 1024


def test_unknown_word_comes_with_a_suggestion():
    with pytest.raises(AslError) as caught:
        VocabularyInterpreter(MATH).run("a,1,:eq,:summ")
    assert caught.value.fix == "did you mean ':sum'?"
    assert caught.value.span == (8, 13)


def test_word_is_a_decorated_function_and_earlier_vocabularies_are_tried_first():
    first = Vocabulary("first")
    second = Vocabulary("second", before=first)

    @first.word("twice", "s:String -- String", examples=("a",))
    def _twice_text(text: str) -> str:
        """Text twice."""
        return text * 2

    @second.word("twice", "Any -- Any", examples=("(,a,)",))
    def _twice(item: object) -> object:
        """Anything, once."""
        return item

    assert VocabularyInterpreter(second).run("a,:twice,(,b,),:twice") == ("aa", ("b",))
    assert [w.summary for w in second.overloads("twice")] == ["Text twice.", "Anything, once."]
    assert first.overloads("other") == ()
