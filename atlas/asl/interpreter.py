"""Runs tokens against a stack. It knows no word by name, and no type beyond string and list."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from atlas.asl.datatypes import type_name
from atlas.asl.lexer import Token, tokens_of
from atlas.asl.word import Stack, Vocabulary, Word
from atlas.errors import AslError
from atlas.expr.text import decode

STACK_SIZE_MAX = 1024
LIST_SIZE_MAX = 1024


def run_program(program: str, vocabulary: Vocabulary) -> Stack:
    """The stack that `program` leaves, bottom to top. Raises AslError with a mistake's place."""
    return run_tokens(tokens_of(program), vocabulary)


def run_tokens(tokens: Sequence[Token], vocabulary: Vocabulary, stack: Stack = ()) -> Stack:
    """The stack after running `tokens` on `stack`."""
    i = 0
    while i < len(tokens):
        token = tokens[i]
        if token.text == "(":
            items, i = _read_list(tokens, i)
            stack = (*stack, items)
        elif token.text == ")":
            raise AslError("unmatched closing parenthesis", span=token.span, fix="remove it")
        elif token.text.startswith(":"):
            stack = _call(token, stack, vocabulary)
            i += 1
        else:
            stack = (*stack, decode(token.text))
            i += 1
        if len(stack) > STACK_SIZE_MAX:
            raise AslError(
                f"stack overflow: stack size exceeds limit of {STACK_SIZE_MAX}",
                span=token.span,
                fix="combine expressions as you go",
            )
    return stack


def _read_list(tokens: Sequence[Token], start: int) -> tuple[tuple[str, ...], int]:
    """The list that opens at `start`, and the index after its closing bracket."""
    depth = 0
    items: list[str] = []
    for i in range(start, len(tokens)):
        text = tokens[i].text
        depth += (text == "(") - (text == ")")
        if depth == 0:
            return tuple(items[1:]), i + 1
        items.append(text)
        if len(items) - 1 > LIST_SIZE_MAX:
            raise AslError(
                f"stack overflow: list size exceeds limit of {LIST_SIZE_MAX}",
                span=tokens[i].span,
                fix="split the list",
            )
    raise AslError(
        "unmatched opening parenthesis", span=tokens[start].span, fix="close it with ')'"
    )


def _call(token: Token, stack: Stack, vocabulary: Vocabulary) -> Stack:
    name = token.text[1:]
    overloads = vocabulary.overloads(name)
    if not overloads:
        raise AslError(
            f"unknown word ':{name}'", span=token.span, fix=_suggestion(name, vocabulary)
        )
    word = _matching(overloads, stack)
    if word is None:
        types = ",".join(map(type_name, stack))
        candidates = ", ".join(f"[{w.signature}]" for w in overloads)
        raise AslError(
            f"no matches for word ':{name}' with stack [{types}], candidates: {candidates}",
            span=token.span,
            fix="put the items that a candidate names before the word",
        )
    try:
        return word.execute(stack)
    except AslError as error:
        raise error.at(token.span) from None


def _matching(overloads: Sequence[Word], stack: Stack) -> Word | None:
    return next((w for w in overloads if w.arguments(stack) is not None), None)


def _suggestion(name: str, vocabulary: Vocabulary) -> str:
    close = get_close_matches(name, {w.name for w in vocabulary}, n=1)
    return f"did you mean ':{close[0]}'?" if close else "check the spelling of the word"
