"""Requests that no client sends: an answer or a refusal, never a defect, and soon."""

from __future__ import annotations

import json
import os
import random
import time
from urllib.parse import quote

import pytest

from tests.fuzz.programs import program
from tests.oracle.answers import DEFECT
from tests.oracle.application import NOW_MS, application
from tests.oracle.callers import InProcess
from tests.oracle.vectors import Question

SECONDS = float(os.environ.get("CHAOSCTL_FUZZ_SECONDS", "1"))
SEED = int(os.environ.get("CHAOSCTL_FUZZ_SEED", "0"))
REQUEST_SECONDS_MAX = 15.0

EXPR = ["", "/debug", "/normalize", "/queries", "/complete", "/rewrite", "/strip"]
PATHS = [
    *["/api/v1/graph"] * 6,
    "/api/v2/fetch",
    *(f"/api/v1/expr{path}" for path in EXPR),
    "/api/v1/tags",
    "/api/v1/tags/name",
    "/api/v1/tags/a/b",
]
FORMATS = ["json", "std.json", "stats.json", "v2.json", "csv", "txt", "png", "nope"]
JUNK = [
    "",
    "0",
    "-1",
    "1",
    "x",
    "NaN",
    "1e400",
    "9" * 400,
    "é",
    "\0",
    "%",
    "(,a,)",
    "null",
    "auto-data",
]
VALUES = {
    "s": ["e-5m", "e-1w", "now", "0", "e", "s", "e-1y", "2022-01-08", str(NOW_MS)],
    "e": ["now", "s+1h", "epoch", "9" * 18, "2022-01-08T12:00-07:00", "e-1h"],
    "tz": ["UTC", "US/Pacific", "+07:00", "nope", "../etc"],
    "step": ["1m", "5m", "7s", "1d", "PT0S", "0s", "1ms"],
    "w": ["1", "700", "99999"],
    "h": ["1", "300", "99999"],
    "zoom": ["1", "2", "0.001", "100"],
    "cq": [":true", "name,sps,:eq", "a"],
    "vocab": ["std", "query", "math", "event"],
    "k": ["name", "k"],
    "r": ["style", "filter"],
    "q": ["name,sps,:eq", ":true", ""],
    "limit": ["1", "1000000"],
    "offset": ["name", "zzz"],
    "verbose": ["1"],
    "layout": ["canvas", "image", "iw", "ih"],
    "theme": ["light", "dark"],
    "palette": ["reds", "hash:armytage", "(,f00,)", "colors:f00,0f0"],
    "scale": ["log", "sqrt", "pow2", "log-linear"],
    "l": ["0", "5", "auto-style"],
    "u": ["0", "5", "auto-data"],
    "stack": ["1"],
    "sort.1": ["max"],
    "order": ["desc"],
    "tick_labels": ["off", "duration", "binary"],
    "title": ["$name", "$(", "x" * 500],
    "hints": ["no-image", "presentation-metadata"],
    "no_legend": ["1"],
    "only_graph": ["1"],
    "axis_per_line": ["1"],
    "vision": ["protanopia"],
    "features": ["unstable"],
    "id": ["x"],
}


def target(rng: random.Random) -> str:
    pairs = [("q", program(rng)), ("format", rng.choice(FORMATS))]
    if rng.random() < 0.8:
        pairs += [("s", "e-10m"), ("e", str(NOW_MS)), ("w", "60"), ("h", "40")]
    for name in rng.sample(list(VALUES), rng.randrange(4)):
        pairs.insert(0, (name, rng.choice(VALUES[name] if rng.random() < 0.7 else JUNK)))
    query = "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)
    return f"{rng.choice(PATHS)}?{query}"


@pytest.fixture(scope="module")
def caller():
    with InProcess(application()) as caller:
        metrics = [
            {
                "tags": {"name": "sps", "nf.app": "www", "kk": str(i), "atlas.dstype": "gauge"},
                "timestamp": NOW_MS - n * 60_000,
                "value": i * n,
            }
            for i in range(4)
            for n in range(12)
        ]
        body = json.dumps({"metrics": metrics}).encode()
        assert caller.ask(Question("POST", "/api/v1/publish", body, {})).status == 200
        yield caller


def test_random_requests_are_answered_or_refused(caller):
    end = time.monotonic() + SECONDS
    seed = SEED
    while time.monotonic() < end:
        path = target(random.Random(seed))
        begin = time.monotonic()
        answer = caller.ask(Question("GET", path, None, {}))
        took = time.monotonic() - begin
        assert answer.status < 500, f"seed {seed}: {path}: {answer.headers.get(DEFECT)}"
        assert took < REQUEST_SECONDS_MAX, f"seed {seed}: {took:.1f} s: {path}"
        seed += 1
