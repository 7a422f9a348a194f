"""Tokens know where they stand, comments or not."""

from __future__ import annotations

import pytest

from atlas.asl.lexer import tokens_of
from atlas.errors import AslError


@pytest.mark.parametrize(
    ("program", "tokens"),
    [
        ("a, b ,,c", ["a", "b", "c"]),
        (", a ,\n b ,", ["a", "b"]),
        (":d/*x*/up", [":dup"]),
        ("a/* /* , */ */,b", ["a", "b"]),
        ("f(x),(,)", ["f(x)", "(", ")"]),
        ("", []),
        ("\u00a0", ["\u00a0"]),
    ],
)
def test_tokens(program, tokens):
    assert [t.text for t in tokens_of(program)] == tokens


@pytest.mark.parametrize("program", ["a, bc ,:d", "a,/* , */bc,:d"])
def test_span_is_where_the_token_stands(program):
    for token in tokens_of(program):
        start, end = token.span
        assert program[start:end] == token.text


@pytest.mark.parametrize("program", ["a,/* b", "a,*/", "/* /* */"])
def test_comment_that_is_not_closed_is_refused(program):
    with pytest.raises(AslError, match="unclosed comment"):
        tokens_of(program)
