"""What a program does, step by step, and which words could come next.

Source: Atlas `ExprApi.scala`, `Interpreter.debug`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from atlas.asl.datatypes import as_styled, item_text, type_name
from atlas.asl.interpreter import Step, VocabularyInterpreter
from atlas.asl.word import Budget, Context, Stack, Vocabulary, Word
from atlas.errors import AslError, AtlasError
from atlas.expr.data_expr import DataExpr, offset_suffix

TEXT_SIZE_MAX = 16_000_000

UNLIKELY_WORDS = frozenset(
    ":-rot :2over :call :clear :depth :drop :dup :each :fcall :format :freeze :get :list :map"
    " :ndrop :nip :nlist :over :pick :roll :rot :set :sset :swap :tuck"
    " :true :false :reic :not :all :cf-avg :cf-sum :cf-min :cf-max :head :random"
    " :des :des-simple :des-fast :des-slow :des-slower :des-epic-signal :des-epic-viz"
    " :stat-avg :stat-max :stat-min :stat-last :stat-count :stat-total"
    " :stat-min-mf :stat-max-mf :stat-avg-mf".replace(":", "").split()
)
"""Words that are not offered: they fit everywhere, or others are to be preferred."""


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step as text: tokens to come, items top first, and variables."""

    program: tuple[str, ...]
    stack: tuple[str, ...]
    variables: Mapping[str, str]


def debug(program: str, vocabulary: Vocabulary) -> list[ShownStep]:
    """Every step of a program. Raises AslError if it does not end as its vocabulary expects."""
    steps = list(VocabularyInterpreter(vocabulary).steps(program))
    _check_end(vocabulary.name, steps[-1].context.stack)
    texts = _Texts()
    return [texts.shown(step) for step in steps]


def completions(program: str, vocabulary: Vocabulary) -> list[Word]:
    """The words that can come after a program."""
    context = VocabularyInterpreter(vocabulary).run_all(program)
    return [
        word
        for word in vocabulary
        if word.name not in UNLIKELY_WORDS and word.matches(context.stack) and _runs(word, context)
    ]


class _Texts:
    """Makes texts of items, of each item once, and not more than can be sent."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}
        self._size_left = TEXT_SIZE_MAX

    def shown(self, step: Step) -> ShownStep:
        context = step.context
        self._spend(sum(map(len, step.program)))
        return ShownStep(
            step.program,
            tuple(map(self._text, reversed(context.stack))),
            {name: self._text(value) for name, value in context.variables.items()},
        )

    def _text(self, item: object) -> str:
        # Steps hold their items, so that an id stays that of one item.
        text = self._known.get(id(item))
        if text is None:
            text = self._known[id(item)] = _text_of(item)
        self._spend(len(text))
        return text

    def _spend(self, size: int) -> None:
        self._size_left -= size
        if self._size_left < 0:
            raise AslError(
                f"the steps take more than {TEXT_SIZE_MAX} characters", fix="ask for less"
            )


def _text_of(item: object) -> str:
    if isinstance(item, DataExpr):
        # Steps do not show the offset; the original has two texts for such expressions.
        return str(item).removesuffix(offset_suffix(item.offset_ms))
    return item_text(item)


def _check_end(vocabulary: str, stack: Stack) -> None:
    if vocabulary == "std":
        return
    is_query = vocabulary == "query"
    wanted = "a single query" if is_query else "an expression"
    if not stack:
        raise _unexpected(f"expected {wanted}, stack is empty")
    if is_query:
        wrong = stack if len(stack) > 1 else ()
    else:
        wrong = next(((item,) for item in reversed(stack) if as_styled(item) is None), ())
    if wrong:
        raise _unexpected(f"expected {wanted}, found [{','.join(map(type_name, wrong))}]")


def _unexpected(what: str) -> AslError:
    return AslError(
        what,
        fix="end with what the vocabulary makes: a query, or expressions",
        original_class="IllegalArgumentException",
    )


def _runs(word: Word, context: Context) -> bool:
    """Whether the word does what it says; not all values of a type will do."""
    try:
        context.interpreter.call((f":{word.name}",), replace(context, budget=Budget()))
    except AtlasError:
        return False
    return True
