"""Runs tokens against a stack. It knows no word by name, and no type beyond string and list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from types import MappingProxyType

from atlas.asl.datatypes import type_name
from atlas.asl.lexer import Token, tokens_of
from atlas.asl.word import Context, Stack, Vocabulary, Word
from atlas.errors import AslError, AtlasError
from atlas.expr.text import decode
from atlas.expr.tree import DEPTH_MAX, Node

STACK_SIZE_MAX = 1024
LIST_SIZE_MAX = 1024
CALL_DEPTH_MAX = 10
EXPRESSION_SIZE_MAX = 10_000
_SIZE_OF_AN_OPERATION = 64
_NO_VARIABLES: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Step:
    """A point in the run of a program: the tokens still to come and what there is so far."""

    program: tuple[str, ...]
    context: Context


@dataclass(frozen=True, slots=True)
class VocabularyInterpreter:
    """Runs programs with the words of one vocabulary."""

    vocabulary: Vocabulary

    def run(self, program: str, variables: Mapping[str, object] = _NO_VARIABLES) -> Stack:
        """The stack that `program` leaves, bottom to top. Raises AslError with a mistake's place.

        What the program froze lies below the rest.
        """
        return self.run_all(program, variables).stack

    def run_all(self, program: str, variables: Mapping[str, object] = _NO_VARIABLES) -> Context:
        """The context that `program` leaves, with nothing frozen any more."""
        return self.run_tokens(tokens_of(program), self.start(variables)).thaw()

    def start(self, variables: Mapping[str, object] = _NO_VARIABLES) -> Context:
        """The context of a program of which nothing has been run."""
        return Context(self, variables=variables, initial_variables=variables)

    def steps(self, program: str) -> Iterator[Step]:
        """Every point in the run of a program, from before its first token to its end."""
        tokens = tokens_of(program)
        context = self.start()
        i = 0
        while i < len(tokens):
            yield Step(tuple(t.text for t in tokens[i:]), context)
            context, i = self._next(tokens, i, context)
        yield Step((), context.thaw())

    def run_tokens(self, tokens: Sequence[Token], context: Context) -> Context:
        """The context after running `tokens` on it."""
        i = 0
        while i < len(tokens):
            context, i = self._next(tokens, i, context)
        return context

    def call(self, program: Sequence[object], context: Context) -> Context:
        """The context after running the items of a list, one level deeper."""
        if context.depth >= CALL_DEPTH_MAX:
            raise AslError("looping detected", fix=f"programs may run {CALL_DEPTH_MAX} levels deep")
        tokens = [_token_of(item) for item in program]
        try:
            _check_stack(context.stack)
            after = self.run_tokens(tokens, replace(context, depth=context.depth + 1))
        except AslError as error:
            # The list has lost its place in the text; the word that calls it is the one to blame.
            error.span = None
            raise
        return replace(after, depth=context.depth)

    def _next(self, tokens: Sequence[Token], i: int, context: Context) -> tuple[Context, int]:
        """The context after one more word, list or text, and the index of what comes next."""
        try:
            context.budget.spend()
            after, i_after = self._run(tokens, i, context)
            _check_stack(after.stack)
        except AslError as error:
            raise error.at(tokens[i].span) from None
        return after, i_after

    def _run(self, tokens: Sequence[Token], i: int, context: Context) -> tuple[Context, int]:
        token = tokens[i]
        if token.value is not None:
            return context.push(token.value), i + 1
        if token.text == "(":
            items, i = _read_list(tokens, i)
            context.budget.spend(len(items))
            return context.push(items), i
        if token.text == ")":
            raise AslError("unmatched closing parenthesis", fix="remove it")
        if not token.text.startswith(":"):
            return context.push(decode(token.text)), i + 1
        after = self._call(token, context)
        _check_size(after)
        return after, i + 1

    def _call(self, token: Token, context: Context) -> Context:
        name = token.text[1:]
        overloads = self.vocabulary.overloads(name)
        if not overloads:
            raise AslError(f"unknown word ':{name}'", fix=_suggestion(name, self.vocabulary))
        word = _matching(overloads, context.stack)
        if word is None:
            types = ",".join(map(type_name, context.stack))
            candidates = ", ".join(f"[{w.signature}]" for w in overloads)
            raise AslError(
                f"no matches for word ':{name}' with stack [{types}], candidates: {candidates}",
                fix="put the items that a candidate names before the word",
            )
        try:
            return word.execute(context)
        except AslError:
            raise
        except AtlasError as error:
            error.where = error.where or f"column {token.span[0] + 1}"
            raise


def _check_stack(stack: Stack) -> None:
    if len(stack) > STACK_SIZE_MAX:
        raise AslError(
            f"stack overflow: stack size exceeds limit of {STACK_SIZE_MAX}",
            fix="combine expressions as you go",
        )


def _check_size(context: Context) -> None:
    """Refuse what would take too long to print, rewrite or evaluate; what is large costs more."""
    top = context.stack[-1] if context.stack else None
    if not isinstance(top, Node):
        return
    for name, value, limit in (
        ("depth", top.extent.depth, DEPTH_MAX),
        ("size", top.extent.size, EXPRESSION_SIZE_MAX),
    ):
        if value > limit:
            raise AslError(
                f"stack overflow: expression {name} exceeds limit of {limit}",
                fix="ask for a smaller expression",
            )
    context.budget.spend(top.extent.size // _SIZE_OF_AN_OPERATION)


def _token_of(item: object) -> Token:
    """A list's item as part of a program: what is no text stands for itself."""
    return Token(item, (0, 0)) if isinstance(item, str) else Token("", (0, 0), item)


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


def _matching(overloads: Sequence[Word], stack: Stack) -> Word | None:
    return next((w for w in overloads if w.matches(stack)), None)


def _suggestion(name: str, vocabulary: Vocabulary) -> str:
    close = get_close_matches(name, {w.name for w in vocabulary}, n=1)
    return f"did you mean ':{close[0]}'?" if close else "check the spelling of the word"
