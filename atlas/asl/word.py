"""Words that explain themselves, and the vocabularies that hold them.

A word is a decorated function. Its stack effect is written once, in the original's notation, and
gives the text of error messages, the matching of overloads and the coercion of arguments:

    @MATH.word("neg", "TimeSeriesExpr -- TimeSeriesExpr", examples=("1", "name,sps,:eq"))
    def _neg(expr: TimeSeriesExpr) -> TimeSeriesExpr:
        \"\"\"Each value with its sign turned.\"\"\"
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from atlas.asl.datatypes import NOT_ONE, TYPES, DataType

Stack = tuple[object, ...]
"""Items bottom to top."""


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter as the signature names it; the name may be empty."""

    name: str
    type: DataType


@dataclass(frozen=True, slots=True)
class Word:
    """One overload of a word. Each example is what stands before the word in a program."""

    name: str
    signature: str
    summary: str
    examples: tuple[str, ...]
    params: tuple[Param, ...]
    run: Callable[..., object]

    def arguments(self, stack: Stack) -> tuple[object, ...] | None:
        """The coerced top items of the stack, or None if this overload does not take them."""
        count = len(self.params)
        if len(stack) < count:
            return None
        top = stack[len(stack) - count :]
        coerced = tuple(p.type.coerce(item) for p, item in zip(self.params, top, strict=True))
        return None if any(item is NOT_ONE for item in coerced) else coerced

    def execute(self, stack: Stack) -> Stack:
        """The stack after the word; it must take the stack's top items."""
        arguments = self.arguments(stack)
        if arguments is None:
            raise ValueError(f":{self.name} was run on a stack that it does not match")
        result = self.run(*arguments)
        return (*stack[: len(stack) - len(self.params)], result)


class Vocabulary:
    """A family of words upon the families before it, whose overloads are tried first."""

    def __init__(self, name: str, before: Vocabulary | None = None) -> None:
        self.name = name
        self.before = before
        self._words: dict[str, list[Word]] = {}

    def word(
        self, name: str, signature: str, *, examples: tuple[str, ...]
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Add the decorated function as a word; its docstring is the word's summary."""

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            summary = " ".join((function.__doc__ or "").split())
            word = Word(name, signature, summary, examples, _params(signature), function)
            self._words.setdefault(name, []).append(word)
            return function

        return register

    def overloads(self, name: str) -> tuple[Word, ...]:
        """Every word of this name, in the order in which they are tried."""
        earlier = self.before.overloads(name) if self.before is not None else ()
        return (*earlier, *self._words.get(name, ()))

    def __iter__(self) -> Iterator[Word]:
        if self.before is not None:
            yield from self.before
        for words in self._words.values():
            yield from words


def _params(signature: str) -> tuple[Param, ...]:
    taken, _, _ = signature.partition("--")
    return tuple(
        Param(name, TYPES[type_name])
        for name, _, type_name in (part.rpartition(":") for part in taken.split())
    )
