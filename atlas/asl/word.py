"""Words that explain themselves, and the vocabularies that hold them.

A word is a decorated function. Its stack effect is written once, in the original's notation, and
gives the text of error messages, the matching of overloads and the coercion of arguments:

    @MATH.word("neg", "TimeSeriesExpr -- TimeSeriesExpr", examples=("1", "name,sps,:eq"))
    def _neg(expr: TimeSeriesExpr) -> TimeSeriesExpr:
        \"\"\"Each value with its sign turned.\"\"\"

A word that needs more than its arguments — the rest of the stack, variables, other words — is a
`context_word`: it takes and returns the whole context.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Protocol

from atlas.asl.datatypes import NOT_ONE, TYPES, DataType, as_styled
from atlas.errors import AslError
from atlas.expr.style_expr import StyleExpr
from atlas.expr.tree import TimeSeriesExpr

Stack = tuple[object, ...]
"""Items bottom to top."""

OPERATIONS_MAX = 10_000
"""Words, texts and items of lists that one program may run."""


class Interpreter(Protocol):
    """What a word may ask of whoever runs it."""

    def call(self, program: Sequence[object], context: Context) -> Context:
        """Run the tokens of a list on a context, one level deeper."""


class Budget:
    """The work that is left to one program, whichever of its lists does it.

    Depth and size do not bound it: words that loop multiply each other.
    """

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = OPERATIONS_MAX

    def spend(self, operation_count: int = 1) -> None:
        """Take so many operations off. Raises AslError when there are none left."""
        self._left -= operation_count
        if self._left < 0:
            raise AslError(
                "expression is too expensive: operation limit exceeded, limit of"
                f" {OPERATIONS_MAX}, reduce the amount of work performed by looping operators such"
                " as :each and :map",
                fix="loop over shorter lists, or ask several times",
            )


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that a program has made so far. `frozen` items come back when it ends.

    `depth` counts the programs that are running, one inside the other.
    """

    interpreter: Interpreter
    stack: Stack = ()
    variables: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    initial_variables: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    frozen: Stack = ()
    depth: int = 1
    budget: Budget = field(default_factory=Budget, compare=False, repr=False)

    def push(self, *items: object) -> Context:
        """The context with items on top of the stack."""
        return replace(self, stack=(*self.stack, *items))

    def drop(self, count: int) -> Context:
        """The context without the top items of the stack."""
        return replace(self, stack=self.stack[: len(self.stack) - count])

    def with_variable(self, name: str, value: object) -> Context:
        """The context with a variable set."""
        return replace(self, variables=MappingProxyType({**self.variables, name: value}))

    def freeze(self) -> Context:
        """The context with everything put away where no word reaches it."""
        return replace(
            self, stack=(), frozen=(*self.frozen, *self.stack), variables=self.initial_variables
        )

    def thaw(self) -> Context:
        """The context with everything that was put away back, below the rest."""
        return replace(self, stack=(*self.frozen, *self.stack), frozen=())

    def call(self, program: Sequence[object]) -> Context:
        """The context after running the tokens of a list."""
        return self.interpreter.call(program, self)


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter as the signature names it; the name may be empty."""

    name: str
    type: DataType


@dataclass(frozen=True, slots=True)
class Word:
    """One overload of a word. Each example is what stands before the word in a program.

    `params` are the types of the top items of the stack, by which overloads are chosen. A word that
    keeps style takes a styled expression in the place of a plain one.
    """

    name: str
    signature: str
    summary: str
    examples: tuple[str, ...]
    params: tuple[Param, ...]
    run: Callable[..., Context]
    keeps_style: bool = False

    def matches(self, stack: Stack) -> bool:
        """Whether the word takes the top items of the stack."""
        return self._arguments(stack) is not None

    def execute(self, context: Context) -> Context:
        """The context after the word; it must take the stack's top items."""
        found = self._arguments(context.stack)
        if found is None:
            raise ValueError(f":{self.name} was run on a stack that it does not match")
        arguments, styles = found
        after = self.run(context.drop(len(self.params)), *arguments)
        # One style is kept; of two, none is.
        if len(styles) != 1 or not isinstance(after.stack[-1], TimeSeriesExpr | StyleExpr):
            return after
        return after.drop(1).push(_with_style(after.stack[-1], styles[0]))

    def _arguments(self, stack: Stack) -> tuple[tuple[object, ...], tuple[StyleExpr, ...]] | None:
        """The coerced top items of the stack and the styles taken off them, or None."""
        count = len(self.params)
        if len(stack) < count:
            return None
        arguments, styles = [], []
        for param, item in zip(self.params, stack[len(stack) - count :], strict=True):
            plain = item
            if self.keeps_style and isinstance(item, StyleExpr) and param.type in _PLAIN_TYPES:
                plain = item.expr
                styles.append(item)
            argument = param.type.coerce(plain)
            if argument is NOT_ONE:
                return None
            arguments.append(argument)
        return tuple(arguments), tuple(styles)


_PLAIN_TYPES = (TYPES["TimeSeriesExpr"], TYPES["Expr"])


def _with_style(item: object, style: StyleExpr) -> object:
    styled = as_styled(item)
    return item if styled is None else replace(style, expr=styled.expr)


class Vocabulary:
    """A family of words upon the families before it, whose overloads are tried first."""

    def __init__(self, name: str, before: Vocabulary | None = None) -> None:
        self.name = name
        self.before = before
        self._words: dict[str, list[Word]] = {}

    def word(
        self, name: str, signature: str, *, examples: tuple[str, ...], keeps_style: bool = False
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Add a function of the arguments to the one item that takes their place.

        The function's docstring is the word's summary.
        """

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            def run(context: Context, *arguments: object) -> Context:
                return context.push(function(*arguments))

            summary = " ".join((function.__doc__ or "").split())
            params = _params(signature.partition("--")[0])
            self.add(Word(name, signature, summary, examples, params, run, keeps_style))
            return function

        return register

    def context_word(
        self,
        name: str,
        signature: str,
        *,
        takes: str = "",
        examples: tuple[str, ...],
        keeps_style: bool = False,
    ) -> Callable[[Callable[..., Context]], Callable[..., Context]]:
        """Add a function of the context, without the arguments, and of the arguments.

        `takes` are the types of the arguments; the signature is only shown.
        """

        def register(function: Callable[..., Context]) -> Callable[..., Context]:
            summary = " ".join((function.__doc__ or "").split())
            self.add(
                Word(name, signature, summary, examples, _params(takes), function, keeps_style)
            )
            return function

        return register

    def add(self, word: Word) -> None:
        """Add a word made elsewhere."""
        self._words.setdefault(word.name, []).append(word)

    def overloads(self, name: str) -> tuple[Word, ...]:
        """Every word of this name, in the order in which they are tried."""
        earlier = self.before.overloads(name) if self.before is not None else ()
        return (*earlier, *self._words.get(name, ()))

    def __iter__(self) -> Iterator[Word]:
        if self.before is not None:
            yield from self.before
        for words in self._words.values():
            yield from words


def _params(taken: str) -> tuple[Param, ...]:
    return tuple(
        Param(name, TYPES[type_name])
        for name, _, type_name in (part.rpartition(":") for part in taken.split())
    )
