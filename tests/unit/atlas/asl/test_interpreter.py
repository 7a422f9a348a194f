"""Limits, suggestions, and adding a word."""

from __future__ import annotations

import pytest

from atlas.asl import parse_exprs
from atlas.asl.interpreter import VocabularyInterpreter
from atlas.asl.word import Vocabulary
from atlas.asl.words import MATH
from atlas.errors import AslError


def _loops(depth: int, count: int) -> str:
    """A list walked for each item of a list that is walked for each …"""
    items = f"(,{','.join(['0'] * count)},)"
    body = ":drop"
    for _ in range(depth):
        body = f":drop,{items},(,{body},),:each"
    return f"0,{body}"


@pytest.mark.parametrize(
    ("program", "what"),
    [
        (",".join(["1"] * 1025), "stack overflow: stack size exceeds limit of 1024"),
        (f"(,{','.join(['1'] * 1025)},)", "stack overflow: list size exceeds limit of 1024"),
        ("1," * 1024 + "(,x,),(,:drop,),:each", "stack overflow: stack size exceeds limit of 1024"),
        ("f,(,f,:fcall,),:set,f,:fcall", "looping detected"),
        ("a,:has" + ",:neg" * 5000, "stack overflow: expression depth exceeds limit of 1000"),
        ("a,:has" + ",:dup,:add" * 50, "stack overflow: expression size exceeds limit of 10000"),
        ("a,:has" + ",:dup,:and" * 50, "stack overflow: expression size exceeds limit of 10000"),
        (_loops(9, 100), "expression is too expensive: operation limit exceeded, limit of 10000"),
        (
            f"(,{','.join(['0'] * 1000)},),(,(,{','.join(['0'] * 20)},),:drop,),:each",
            "expression is too expensive: operation limit exceeded, limit of 10000",
        ),
        ("%s,(,x,),:format" + ",%s%s,:swap,:dup,2,:nlist,:format" * 40, "formatted text is too"),
    ],
)
def test_programs_are_bounded(program, what):
    with pytest.raises(AslError, match=what):
        VocabularyInterpreter(MATH).run(program)


def test_the_mistake_of_a_list_is_shown_where_it_is_run():
    with pytest.raises(AslError) as caught:
        VocabularyInterpreter(MATH).run("1,(,:nope,),:call")
    assert caught.value.span == (12, 17)


def test_an_expression_as_deep_as_a_uri_can_ask_for_is_printed_and_changed():
    program = "a,:has" + ",:neg" * 819 + ",b,:has,:cq,(,k,),:by"
    (expr,) = parse_exprs(program)
    assert parse_exprs(str(expr)) == (expr,)
    assert hash(expr) == hash(parse_exprs(str(expr))[0])


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
