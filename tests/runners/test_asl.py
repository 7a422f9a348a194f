"""The language of the store, as tests/data/asl says it; and every word's examples.

A `.test` file holds commands. `load STEP` gives series and their values, `_` for a gap; the series
stay until the next `load`. `eval FROM..TO step STEP PROGRAM` gives the lines expected, by label.
`print PROGRAM` gives the expressions as they print, `stack PROGRAM` whatever is left, bottom first.
`fail PROGRAM` gives the message, and the column of the word that is to blame. Times count from an
arbitrary day; two blanks end a label.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from atlas import AslError, Atlas, AtlasError, Datapoint
from atlas.asl import parse_exprs
from atlas.asl.datatypes import item_text
from atlas.asl.interpreter import VocabularyInterpreter
from atlas.asl.word import Word
from atlas.asl.words import CUSTOM, VOCABULARIES
from atlas.eval.evaluate import evaluate
from atlas.expr.text import number_text, parse_duration, parse_number
from atlas.model import EvalContext
from atlas.store.limits import StoreLimits, TagLimits
from atlas.store.memory import StoreConfig

DATA = Path(__file__).parent.parent / "data" / "asl"
DAY_MS = 19_000 * 86_400_000
SHORT_NAMES = StoreLimits(tags=TagLimits(key_size_min=1, name_size_min=1))
_EVAL = re.compile(r"(\S+)\.\.(\S+)\s+step\s+(\S+)\s+(.*)")


@dataclass
class Command:
    """A command of a file with the lines indented below it."""

    name: str
    argument: str
    line: int
    body: list[str] = field(default_factory=list)


def read(path: Path) -> Iterator[Command]:
    command = None
    for number, text in enumerate(path.read_text().splitlines(), start=1):
        if not text.strip() or text.startswith("#"):
            continue
        if text.startswith(" "):
            assert command is not None, f"{path}:{number}: a line below no command"
            command.body.append(text.strip())
            continue
        if command is not None:
            yield command
        name, _, argument = text.partition(" ")
        command = Command(name, argument.strip(), number)
    if command is not None:
        yield command


def loaded(command: Command) -> Atlas:
    step_ms = parse_duration(command.argument)
    config = StoreConfig(step_ms, max_age_ms=86_400_000, keep_ms=86_400_000, limits=SHORT_NAMES)
    atlas = Atlas(config, now_ms=lambda: DAY_MS)
    for line in command.body:
        tags, *values = line.split()
        series = dict(tag.split("=") for tag in tags.split(","))
        for i, value in enumerate(values):
            if value != "_":
                point = Datapoint(series, DAY_MS + i * step_ms, parse_number(value) or 0.0)
                assert atlas.publish([point]).accepted_count == 1, line
    return atlas


def evaluated(atlas: Atlas, argument: str) -> list[str]:
    match = _EVAL.fullmatch(argument)
    assert match is not None, argument
    first_ms, last_ms, step_ms = (parse_duration(text) for text in match.groups()[:3])
    context = EvalContext(DAY_MS + first_ms, DAY_MS + last_ms + step_ms, step_ms)
    exprs = [styled.expr for styled in parse_exprs(match.group(4))]
    return [
        f"{label}  {' '.join(map(shown, values))}"
        for lines in evaluate(atlas.store, exprs, context)
        for label, values in zip(lines.labels, lines.values.tolist(), strict=True)
    ]


def shown(value: float) -> str:
    if math.isnan(value):
        return "_"
    return number_text(value).removesuffix(".0") if math.isfinite(value) else number_text(value)


def squeezed(line: str) -> str:
    return re.sub(r" {2,}", "  ", line)


def failure(atlas: Atlas, program: str) -> list[str]:
    with pytest.raises(AtlasError) as caught:
        evaluated(atlas, f"0m..0m step 1m {program}")
    error = caught.value
    span = error.span if isinstance(error, AslError) else None
    return [error.what, *([f"column {span[0] + 1}"] if span is not None else [])]


@pytest.mark.parametrize(
    "path", sorted(DATA.rglob("*.test")), ids=lambda p: p.relative_to(DATA).as_posix()
)
def test_file(path):
    atlas = loaded(Command("load", "1m", 0))
    for command in read(path):
        expected = [squeezed(line) for line in command.body]
        match command.name:
            case "load":
                atlas = loaded(command)
                continue
            case "eval":
                found = [squeezed(line) for line in evaluated(atlas, command.argument)]
            case "print":
                found = [str(expr) for expr in parse_exprs(command.argument)]
            case "stack":
                items = VocabularyInterpreter(CUSTOM).run(command.argument)
                found = [squeezed(item_text(item)) for item in items]
            case "fail":
                found = failure(atlas, command.argument)
            case _:
                pytest.fail(f"{path}:{command.line}: unknown command '{command.name}'")
        assert found == expected, f"{path}:{command.line}"


def words() -> list[tuple[str, Word]]:
    seen: set[Word] = set()
    found = []
    for family, vocabulary in VOCABULARIES.items():
        for word in vocabulary:
            if word not in seen:
                seen.add(word)
                found.append((family, word))
    return found


EXAMPLES = [
    pytest.param(f"{example},:{word.name}", id=f"{family}-{example},:{word.name}")
    for family, word in words()
    for example in word.examples
]


@pytest.mark.parametrize("program", EXAMPLES)
def test_example_runs_and_prints_and_its_print_parses_back_equal(program):
    atlas = Atlas(StoreConfig(), now_ms=lambda: DAY_MS)
    if any(isinstance(item, tuple) for item in VocabularyInterpreter(CUSTOM).run(program)):
        return  # a list is nothing to draw
    exprs = parse_exprs(program)
    plain = [styled.expr for styled in exprs]
    evaluate(atlas.store, plain, EvalContext(DAY_MS, DAY_MS + 60_000, 60_000))
    printed = ",".join(map(str, exprs))
    assert parse_exprs(printed) == exprs
    assert ",".join(map(str, parse_exprs(printed))) == printed


def test_every_word_has_its_file_and_every_file_its_word():
    named = {f"{family}/{word.name}" for family, word in words()}
    files = {p.relative_to(DATA).with_suffix("").as_posix() for p in DATA.rglob("*.test")}
    assert {f for f in files if not f.startswith("program/")} == named


@pytest.mark.parametrize(("family", "word"), words(), ids=lambda item: str(item)[:40])
def test_word_says_what_it_does(family, word):
    assert word.summary.endswith("."), f"{family} :{word.name}"
    assert word.examples, f"{family} :{word.name} has no example"
