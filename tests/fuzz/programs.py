"""Programs at random: of anything at all, or of what fits."""

from __future__ import annotations

import contextlib
import random

from atlas import AtlasError
from atlas.asl.interpreter import VocabularyInterpreter
from atlas.asl.lexer import tokens_of
from atlas.asl.parse import exprs_of
from atlas.asl.word import Context
from atlas.asl.words import CUSTOM

WORDS = [f":{word.name}" for word in CUSTOM]
KEYS = ["name", "sps", "nf.app", "www", "k", "x", "percentile", "statistic", "a b", "\\u002c", "é"]
NUMBERS = ["0", "1", "-1", "3", "42", "0.5", "-2.5e3", "1e308", "NaN", "Infinity", "5d", "1024"]
TIMES = ["0h", "1m", "90s", "1w", "PT1H", "P1D", "e-5m", "ge", "now", "2014-02-20T13:00", "-1h"]
TEXTS = [
    "",
    "max",
    "avg",
    "sum",
    "%s",
    "%05d%%",
    "$k",
    "f00",
    "hourOfDay",
    "[a-z]+(x|y)*",
    "(",
    ")",
]
LIKELY = [
    "name,sps,:eq",
    "name,sps,:eq,:sum",
    "name,sps,:eq,(,k,),:by",
    "k,:has,:max",
    "nf.app,(,www,api,),:in",
    "nf.app,w.*,:re,:and",
    ":dup,:add",
    ":dup,:list,(,:neg,),:each",
    "f,(,:dup,:mul,),:set",
    "f,:fcall",
    "max,2,:topk",
    ":stat-max,1,:gt,:filter",
    "$k,:legend",
    "(,0h,1h,),:offset",
    "5,:rolling-count",
    "4,0.1,0.5,:des",
    "(,k,),:cg",
    "k,:has,:cq",
    ":freeze",
]


def token(rng: random.Random, depth: int) -> str:
    kind = rng.random()
    if kind < 0.35:
        return rng.choice(WORDS)
    if kind < 0.6:
        return rng.choice(LIKELY)
    if kind < 0.68 and depth < 4:
        inner = [token(rng, depth + 1) for _ in range(rng.randrange(6))]
        return f"(,{','.join(inner)},)" + rng.choice(["", "", ",:each", ",:map", ",:call"])
    return rng.choice(rng.choice([KEYS, NUMBERS, TIMES, TEXTS]))


LOOKS = [
    "1,:axis",
    "9,:axis",
    "x,:axis",
    "40,:alpha",
    "zz,:alpha",
    "f00,:color",
    "blue1,:color",
    "nope,:color",
    "reds,:palette",
    "nope,:palette",
    "(,f00,nope,),:palette",
    "2,:lw",
    "-1,:lw",
    "NaN,:lw",
    "x,:lw",
    "1,:limit",
    "-1,:limit",
    "x,:limit",
    "max,:sort",
    "nope,:sort",
    "desc,:order",
    ":stack",
    ":area",
    ":vspan",
    ":heatmap",
    ":percentiles-heatmap",
    "nope,:ls",
    "hex,:decode",
    "nope,:decode",
    "$(name)$(atlas.max),:legend",
    "$(,:legend",
    "(a*)*b,x,:s",
    "(.),$1$1,:s",
    "(,x,:s",
    "(,0h,1m,-1h,),:offset",
]


def program(rng: random.Random) -> str:
    """A program of any kind."""
    return rng.choice([wild, sensible, drawable])(rng)


def wild(rng: random.Random) -> str:
    """Anything at all; most of it is refused sooner or later."""
    return ",".join(token(rng, 0) for _ in range(rng.choice([3, 8, 20, 60])))


def sensible(rng: random.Random) -> str:
    """What runs to its end: of what is tried, the pieces that fit."""
    return ",".join(_run(rng)[0])


def drawable(rng: random.Random) -> str:
    """The expressions that a program leaves, and something about their looks."""
    exprs = exprs_of(_run(rng)[1].thaw().stack)
    pieces = []
    for expr in exprs[:6]:
        pieces += [str(expr), *rng.sample(LOOKS, rng.randrange(3))]
    return ",".join(pieces)


def _run(rng: random.Random) -> tuple[list[str], Context]:
    kept, interpreter = [], VocabularyInterpreter(CUSTOM)
    context = interpreter.start()
    for _ in range(rng.choice([5, 15, 40])):
        piece = token(rng, 0)
        with contextlib.suppress(AtlasError):
            context = interpreter.run_tokens(tokens_of(piece), context)
            kept.append(piece)
    return kept, context
