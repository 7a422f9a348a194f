"""Programs that nobody would write: each runs or is refused, soon and in bounded memory.

`CHAOSCTL_FUZZ_SECONDS=600 pytest tests/fuzz` looks for longer. A failure names the seed and the
program; `CHAOSCTL_FUZZ_SEED` starts from that seed again.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import time

import pytest

from atlas import Atlas, AtlasError, Datapoint
from atlas.asl import parse_exprs
from atlas.asl.explain import completions, debug
from atlas.asl.interpreter import VocabularyInterpreter
from atlas.asl.parse import exprs_of
from atlas.asl.words import CUSTOM
from atlas.eval.evaluate import evaluate
from atlas.expr.normalize import normalized
from atlas.expr.strip import stripped
from atlas.model import EvalContext
from atlas.store.memory import StoreConfig
from tests.fuzz.programs import program

SECONDS = float(os.environ.get("CHAOSCTL_FUZZ_SECONDS", "1"))
SEED = int(os.environ.get("CHAOSCTL_FUZZ_SEED", "0"))
PROGRAM_SECONDS_MAX = 10.0
MEMORY_GROWTH_MAX = 400 * 1024 * 1024
NOW_MS = 19_000 * 86_400_000
WINDOW = EvalContext(NOW_MS - 300_000, NOW_MS, 60_000, NOW_MS)


@pytest.fixture(scope="module")
def atlas():
    config = StoreConfig(60_000, max_age_ms=3_600_000, keep_ms=7_200_000)
    atlas = Atlas(config, now_ms=lambda: NOW_MS)
    for i in range(4):
        tags = {"name": "sps", "nf.app": f"www{i % 2}", "kk": str(i), "atlas.dstype": "gauge"}
        atlas.publish(Datapoint(tags, NOW_MS - n * 60_000, float(i * n)) for n in range(6))
    return atlas


def use(atlas: Atlas, text: str) -> None:
    """Everything that a server does with a program."""
    exprs = exprs_of(VocabularyInterpreter(CUSTOM).run(text))
    for expr in exprs:
        printed = str(expr)
        # `:named-rewrite` prints under whatever name it is given, even that of another word.
        if ":named-rewrite" not in text:
            assert parse_exprs(printed) == (expr,), printed
        assert hash(expr) is not None
    for work in (
        lambda: evaluate(atlas.store, [e.expr for e in exprs], WINDOW),
        lambda: [normalized(e) for e in exprs],
        lambda: [stripped(e, ("k",), ("filter", "style")) for e in exprs],
        lambda: debug(text, CUSTOM),
        lambda: completions(text, CUSTOM),
    ):
        try:
            work()
        except AtlasError:
            continue


def checked(atlas: Atlas, text: str) -> float:
    """The seconds that a program took."""
    begin = time.monotonic()
    with contextlib.suppress(AtlasError):
        use(atlas, text)
    return time.monotonic() - begin


def fuzz(atlas: Atlas, seed: int, seconds: float) -> None:
    """Try a program for each seed from `seed` on, for so long."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        rng = random.Random(seed)
        text = program(rng)
        try:
            took = checked(atlas, text)
        except BaseException as error:
            error.add_note(f"seed {seed}: {text}")
            raise
        assert took < PROGRAM_SECONDS_MAX, f"seed {seed}: {took:.1f} s: {text}"
        seed += 1
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert growth < MEMORY_GROWTH_MAX, f"up to seed {seed}: {growth} bytes"


def test_random_programs_run_or_are_refused(atlas):
    fuzz(atlas, SEED, SECONDS)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_other_programs_each_time_run_or_are_refused(atlas):
    seed = time.time_ns() // 1_000_000
    print(f"seed {seed}")
    fuzz(atlas, seed, 600)


def _looping(levels: int, body: str) -> str:
    items = f"(,{','.join('x' * 50)},)"
    for _ in range(levels):
        body = f":drop,{items},(,{body},),:each"
    return f"x,{body}"


@pytest.mark.parametrize(
    "text",
    [
        "f,(,f,:fcall,),:set,f,:fcall",
        "f,(,:dup,f,:fcall,),:set,1,f,:fcall",
        _looping(9, ":drop"),
        _looping(3, ":drop,k,:has,:max,k,:has,:cq,:drop"),
        "1" + ",:neg" * 5000,
        "k,:has" + ",:neg" * 5000,
        "k,:has" + ",:not" * 5000,
        "k,:has,:sum" + ",:dup,:add" * 2000,
        "k,:has" + ",:dup,:and" * 2000,
        "k,:has" + ",:avg" * 2000,
        "k,:has" + ",:stddev" * 2000,
        "k,:has,(,k,),:by" + ",:pct" * 2000,
        "k,:has,:sum" + ",(,k,),:cg" * 2000,
        "k,:has,:sum" + ",4,0.1,0.5,0.1,0.1,1,:des-epic-signal" * 200,
        "(,k,),:dup,2,:nlist" + ",:dup,2,:nlist" * 2000,
        "k,v,:eq,k,w,:eq,:or" + ",k,v,:eq,k,w,:eq,:or,:and" * 100,
        "%s,(,x,),:format" + ",%s%s,:swap,:dup,2,:nlist,:format" * 2000,
        "%256s" * 1000 + ",(," + "x," * 1000 + "),:format",
        "k," + "(" * 5000 + ",:re",
        "k," + "(" * 1000 + ")" * 1000 + ",:re",
        "k," + "(a*)*" * 30 + "b,:re",
        "k,a{1000000000},:re",
        "(," * 2000,
        ")," * 2000,
        "/*" * 5000,
        "," * 100_000,
        "x" * 1_000_000,
        ":" * 100_000,
        "\\u0000" * 10_000 + ",:has",
        "9" * 400 + ",:const",
        "1," + "9" * 400 + ",:pick",
        "k,:has,:sum,1e308,1e308,:mul,:pow,:exp",
        "k,:has,:sum," + "9" * 5000 + "m,:offset",
        "1," + "9" * 5000 + ",:pick",
        "%d,(," + "9" * 5000 + ",),:format",
        "%" + "9" * 5000 + "$s,(,x,),:format",
        "%" + "9" * 5000 + "s,(,x,),:format",
        "9" * 5000 + ",now,:time-span",
        "P" + "9" * 5000 + "D,:dup,:time-span",
        "k,:has,:sum,P" + "9" * 5000 + "D,:offset",
        "k,:has,:sum,PT0." + "9" * 5000 + "S,:offset",
        "1" + ",:freeze,1" * 5000,
    ],
    ids=lambda text: text[:30].replace("\\", "") + f" {len(text)}",
)
def test_runaway_program_is_bounded(atlas, text):
    assert checked(atlas, text) < PROGRAM_SECONDS_MAX
