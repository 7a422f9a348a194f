"""The page about the stack language: what holds for all programs, then every word with examples.

Examples are run: what they print, and what they draw of the lines below, is what stands there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from atlas import Atlas, AtlasError, Datapoint
from atlas.asl.datatypes import as_styled, item_text
from atlas.asl.interpreter import (
    CALL_DEPTH_MAX,
    EXPRESSION_SIZE_MAX,
    LIST_SIZE_MAX,
    STACK_SIZE_MAX,
    VocabularyInterpreter,
)
from atlas.asl.word import OPERATIONS_MAX, Vocabulary, Word
from atlas.asl.words import CUSTOM, EVENT, VOCABULARIES
from atlas.eval.evaluate import evaluate
from atlas.expr.math_expr import Constant
from atlas.expr.tree import DEPTH_MAX
from atlas.model import EvalContext
from atlas.server.conventions import URI_SIZE_MAX
from atlas.store.limits import StoreLimits, TagLimits
from atlas.store.memory import StoreConfig

STEP_MS = 60_000
END_MS = 19_000 * 86_400_000
STEP_COUNT = 5
LINES_SHOWN_MAX = 4

TITLES = {
    "std": "The stack",
    "query": "Queries: which series",
    "data": "Data: how series become lines",
    "math": "Arithmetic",
    "stateful": "Words with a memory",
    "filter": "Filters",
    "style": "Looks",
    "custom": "Words of a server",
    "event": "Events",
}

SERIES = """\
name=sps,nf.app=www,nf.cluster=www-main,nf.zone=a,k=x,a=1,b=1   1 2 _ 4 5
name=sps,nf.app=www,nf.cluster=www-test,nf.zone=b,k=y,a=1,b=2   3 0 6 _ 2
name=latency,k=x,percentile=T0083                               1 1 1 1 1
name=latency,k=x,percentile=T0087                               2 2 _ 2 2
name=latency,k=x,statistic=count                                3 3 1 3 3
name=latency,k=x,statistic=totalTime                            4 5 1 4 4
name=latency,k=x,statistic=totalOfSquares                       6 9 1 6 6
name=latency,k=x,statistic=max                                  2 2 1 2 2
name=users,k=x,distinct=R00                                     1 2 2 2 3
name=users,k=x,distinct=R01                                     _ 1 1 2 2
name=poller.asg.instance,nf.app=www                             2 2 2 2 2
"""

HEADER = """\
A program is a list of words and texts, separated by commas and run from left to right. A text is
pushed on a stack; a word, which begins with a colon, takes items off it and pushes what it makes of
them. What is left at the end is drawn:

```text
name,edge.requests,:eq,          the series whose tag `name` is `edge.requests`
:sum,                            added up to one line
60,:mul                          a minute's worth instead of a second's
```

- **Tokens.** Blanks around a token do not count, nor do empty tokens. `/* … */` is a comment.
  Nothing is quoted: `\\u002c` stands for a comma, `\\u003a` for a colon, and no other backslash is
  special.
- **Lists.** `(,a,b,)` pushes one list. What is in it is not run, until a word such as `:each` runs
  it. `:list` and `:nlist` make lists of what is on the stack.
- **Queries** select series by their tags. A missing key fails every question about it, so that
  `:not` of the question holds. A query where a line is expected is summed.
- **Numbers** are written as in Java: `42`, `1e9`, `NaN`, `Infinity`, `5d`. Durations are `90s`,
  `5m`, `1h`, `2w` or `PT1H30M`.
- **A gap** is NaN: nothing was measured. Aggregates, `:add` and `:sub` pass over it, `:fadd` and
  its kin do not; a comparison with it is 0; and 0/0 is 0, but anything else over 0 is a gap.
- **Lines are paired** by their keys: `A,B,:div` divides each line of the finer grouped side by the
  line of the other side with the same values, and leaves out those that have no partner.
- **Looks** stay with a line through arithmetic; of two lines with looks, both lose them.
- **Every expression prints** as a program that means the same; `/api/v1/expr/normalize` prints all
  that mean the same alike.
- **Bounds.** BOUNDS

Words of one name are tried in the order of this page; the first whose types fit is run. So
`2,1,:gt` asks for a tag, and `2,1,:const,:gt` compares numbers.

The examples are drawn from these series, gauges with a step of a minute and `_` for a gap:

```text
SERIES```"""

BOUNDS = (
    f"{STACK_SIZE_MAX} items on the stack, {LIST_SIZE_MAX} in a list, programs running in\n"
    f"  programs {CALL_DEPTH_MAX} deep, {OPERATIONS_MAX} operations, expressions {DEPTH_MAX} deep\n"
    f"  and {EXPRESSION_SIZE_MAX} parts large; {URI_SIZE_MAX} characters in a URI."
)


def asl_page(made_by: str) -> Iterator[str]:
    """The page, paragraph by paragraph."""
    yield "# The stack language\n\n" + made_by
    yield HEADER.replace("BOUNDS", BOUNDS).replace("SERIES", SERIES)
    yield "\n".join(f"- **{TITLES[family]}.** {_names(own)}" for family, own in _families())
    atlas = _filled()
    for family, own in _families():
        yield f"## {TITLES[family]}"
        for word in own:
            yield from _word(atlas, word, EVENT if family == "event" else CUSTOM)


def _families() -> Iterator[tuple[str, list[Word]]]:
    """The words that each vocabulary adds to those before it."""
    earlier: set[Word] = set()
    for vocabulary in (*VOCABULARIES.values(), EVENT):
        yield vocabulary.name, [word for word in vocabulary if word not in earlier]
        earlier |= set(vocabulary)


def _names(words: list[Word]) -> str:
    return " ".join(dict.fromkeys(f"`:{word.name}`" for word in words))


def _word(atlas: Atlas, word: Word, vocabulary: Vocabulary) -> Iterator[str]:
    yield f"### :{word.name}\n\n`{word.signature.strip()}`\n\n{word.summary}"
    call = f":{word.name}"
    programs = [f"{example},{call}" if example else call for example in word.examples]
    shown = [_example(atlas, program, vocabulary) for program in programs]
    yield "```text\n" + "\n".join(shown) + "\n```"


def _example(atlas: Atlas, program: str, vocabulary: Vocabulary) -> str:
    lines = [program]
    for item in VocabularyInterpreter(vocabulary).run(program):
        text = item_text(item)
        lines.append(f"    = {text}" if text != program else "    = itself")
        lines += [f"      {line}" for line in _drawn(atlas, item)]
    return "\n".join(lines)


def _drawn(atlas: Atlas, item: object) -> list[str]:
    """The lines of an expression; none of what is no expression, or says its value by itself."""
    styled = as_styled(item)
    if styled is None or isinstance(item, str) or isinstance(styled.expr, Constant):
        return []
    context = EvalContext(END_MS - (STEP_COUNT - 1) * STEP_MS, END_MS + STEP_MS, STEP_MS, END_MS)
    try:
        (lines,) = evaluate(atlas.store, [styled.expr], context)
    except AtlasError:
        return []
    rows = [
        f"{label}: {' '.join(map(_number, values))}"
        for label, values in zip(lines.labels, lines.values.tolist(), strict=True)
    ]
    more = len(rows) - LINES_SHOWN_MAX
    return rows[:LINES_SHOWN_MAX] + ([f"and {more} more"] if more > 0 else [])


def _number(value: float) -> str:
    return "_" if math.isnan(value) else f"{value:.4g}"


def _filled() -> Atlas:
    limits = StoreLimits(tags=TagLimits(key_size_min=1, name_size_min=1))
    config = StoreConfig(STEP_MS, max_age_ms=STEP_COUNT * STEP_MS, limits=limits)
    atlas = Atlas(config, now_ms=lambda: END_MS)
    start_ms = END_MS - (STEP_COUNT - 1) * STEP_MS
    for row in SERIES.splitlines():
        tags, *values = row.split()
        series = {"atlas.dstype": "gauge", **dict(tag.split("=") for tag in tags.split(","))}
        points = [
            Datapoint(series, start_ms + i * STEP_MS, float(value))
            for i, value in enumerate(values)
            if value != "_"
        ]
        refused = atlas.publish(points).reasons
        if refused:
            raise ValueError(f"{row}: {refused[0]}")
    return atlas
