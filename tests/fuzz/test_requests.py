"""Bodies and listings that no client would send: each is taken or refused, soon, in little memory.

`CHAOSCTL_FUZZ_SECONDS=600 pytest tests/fuzz` looks for longer. A failure names the seed and the
request; `CHAOSCTL_FUZZ_SEED` starts from that seed again.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import time
import tracemalloc
import zlib
from collections.abc import Callable
from urllib.parse import quote

import pytest

from atlas.asl.words import CUSTOM
from atlas.server.app import make_app
from atlas.settings import RequestSettings
from atlas.store.limits import StoreLimits
from atlas.store.memory import MemoryStore, StoreConfig
from tests.unit.atlas.server.conftest import Answer, Caller

SECONDS = float(os.environ.get("CHAOSCTL_FUZZ_SECONDS", "3"))
SEED = int(os.environ.get("CHAOSCTL_FUZZ_SEED", "0"))
REQUEST_SECONDS_MAX = 5.0
GROWTH_BYTES_MAX = 64 << 20
BODY_BYTES_MAX = 1 << 20
SERIES_MAX = 500
NOW_MS = 1_641_600_000_000
REFUSALS = (400, 413, 429)

TEXTS = [
    "", "a", "ab", "name", "cpu", "é", "日本", "\x00", "\ud800", "\U0001f600", "a b", "a,b", "a/b",
    "..", "nf.app", "nf.what", "atlas.dstype", "atlas.what", "NaN", "1e3", "x" * 61, "x" * 300,
]  # fmt: skip
KINDS = ["gauge", "rate", "sum", "counter", "max", "what", ""]
NUMBERS = [
    "0", "-0", "1", "-1", "1.5", "1e3", "1e308", "1e309", "-1e999", "1e-400", "NaN", "Infinity",
    "-Infinity", "9007199254740993", "18446744073709551616", "0x1", "01", "1.", ".5", "+1", "--1",
    "1" * 400, "0." + "1" * 400, "1e99999999999", f"{NOW_MS}",
]  # fmt: skip
TIMES = [f"{NOW_MS - n}" for n in (0, 1, 60_000, 3_000_000, 10**12, -60_000, -(10**12))]
FIELDS = ["tags", "metrics", "timestamp", "start", "value", "values", "Value", "", "name", "é"]


def text(rng: random.Random) -> str:
    plain = rng.choice(
        [*TEXTS, f"n{rng.randrange(10**6)}", "".join(map(chr, rng.sample(range(999), 5)))]
    )
    return (
        json.dumps(plain, ensure_ascii=rng.random() < 0.5) if rng.random() < 0.95 else f"'{plain}'"
    )


def anything(rng: random.Random, depth: int = 0) -> str:
    """Any JSON value, or what looks like one."""
    kind = rng.random()
    if kind < 0.4 or depth > 4:
        return rng.choice([text(rng), rng.choice(NUMBERS), "true", "false", "null", "nul", ""])
    if kind < 0.7:
        return f"[{','.join(anything(rng, depth + 1) for _ in range(rng.randrange(4)))}]"
    return obj(rng, [(text(rng), anything(rng, depth + 1)) for _ in range(rng.randrange(4))])


def obj(rng: random.Random, items: list[tuple[str, str]]) -> str:
    comma = ",," if rng.random() < 0.01 else ","
    return f"{{{comma.join(f'{key}:{value}' for key, value in items)}}}"


def mostly(rng: random.Random, good: str) -> str:
    return good if rng.random() < 0.93 else anything(rng)


def tags(rng: random.Random) -> str:
    items = [('"name"', f'"{rng.choice(["cpu", "disk", "x"])}"')] if rng.random() < 0.9 else []
    if rng.random() < 0.7:
        items.append(('"atlas.dstype"', f'"{rng.choice(KINDS)}"'))
    size = rng.choice([0, 1, 1, 2, 3, 25, 400]) if rng.random() < 0.5 else 1
    items += [(text(rng), mostly(rng, text(rng))) for _ in range(size)]
    return obj(rng, items)


def metric(rng: random.Random) -> str:
    items = [
        ('"tags"', mostly(rng, tags(rng))),
        (mostly(rng, '"timestamp"'), mostly(rng, rng.choice(TIMES))),
        (mostly(rng, '"value"'), mostly(rng, rng.choice(NUMBERS))),
    ]
    if rng.random() < 0.1:
        items.append((f'"{rng.choice(FIELDS)}"', anything(rng)))
    rng.shuffle(items)
    return obj(rng, items)


def batch(rng: random.Random) -> bytes:
    """A body in about the right shape."""
    metrics = ",".join(mostly(rng, metric(rng)) for _ in range(rng.choice([0, 1, 2, 5, 40])))
    items = [('"tags"', mostly(rng, tags(rng))), ('"metrics"', mostly(rng, f"[{metrics}]"))]
    if rng.random() < 0.05:
        items.append((f'"{rng.choice(FIELDS)}"', anything(rng)))
    said = obj(rng, items)
    if rng.random() < 0.1:
        at = rng.randrange(len(said))
        said = said[:at] + rng.choice(["/* x */", "// x\n", "/*", "//", "*/"]) + said[at:]
    return said.encode("utf-8", "surrogatepass")


def mutated(rng: random.Random, body: bytes) -> bytes:
    """The same with a few bytes changed, gone, doubled or moved."""
    changed = bytearray(body)
    for _ in range(rng.choice([1, 1, 2, 8])):
        start = rng.randrange(len(changed) + 1)
        part = changed[start : start + rng.choice([1, 2, 10, 100])]
        end = start + len(part)
        changed[start:end] = rng.choice(
            [
                b"",
                part * 2,
                part[::-1],
                rng.randbytes(3),
                b"\xff",
                b"\xc3",
                b"\x00",
                b'"',
                b"{",
                b"]",
            ]
        )
    return bytes(changed)


def encoded(rng: random.Random, body: bytes) -> tuple[bytes, dict[str, str]]:
    """A body with the headers that say how it is encoded, or say so wrongly."""
    kind = rng.random()
    if kind < 0.6:
        return body, {}
    name = rng.choice(["gzip", "deflate", "gzip", "GZIP", "br", "", "gzip, gzip", "é", "identity"])
    packed = zlib.compress(body) if name == "deflate" else gzip.compress(body, 1)
    if kind < 0.7:
        packed = mutated(rng, packed)
    elif kind < 0.75:
        packed = rng.choice(
            [b"", body, packed[: len(packed) // 2], packed * 2, gzip.compress(packed)]
        )
    return packed, {"content-encoding": name}


def request_body(rng: random.Random) -> tuple[bytes, dict[str, str]]:
    body = batch(rng)
    if rng.random() < 0.3:
        body = mutated(rng, body)
    if rng.random() < 0.02:
        body = rng.randbytes(rng.randrange(2000))
    return encoded(rng, body)


def listing(rng: random.Random) -> str:
    """The target of a listing; the path may be anything, the query in any encoding."""
    words = [f":{word.name}" for word in CUSTOM]
    pieces = ["name,cpu,:eq", "name", "cpu", ":has", ":true", ":and", "(,cpu,disk,),:in", "(", ")"]
    program = ",".join(
        rng.choice([rng.choice(pieces), rng.choice(words), rng.choice(TEXTS)]) for _ in range(4)
    )
    values = {
        "q": ["name,cpu,:eq", ":true", "name,(a*)*b,:re", program, program],
        "limit": ["1", "0", "-1", "+2", "99999999999999999999", "x", "", "1.5", "٣"],
        "offset": ["name", "\uffff", *TEXTS],
        "format": ["json", "txt", "xml", ""],
        "verbose": ["0", "1", "yes"],
        "what": TEXTS,
    }
    path = "/api/v1/tags" + rng.choice(["", "/", "/name", "/nf.app", "//", f"/{rng.choice(TEXTS)}"])
    keys = rng.choices(list(values), k=rng.randrange(5))
    pairs = [f"{key}={quote(rng.choice(values[key]), errors='surrogatepass')}" for key in keys]
    query = "&".join(pairs)
    if rng.random() < 0.15:
        at = rng.randrange(len(query) + 1)
        query = (
            query[:at]
            + rng.choice(["%", "%f", "%ff", "%00", "&&", "=", ";", "+", "?"])
            + query[at:]
        )
    # The caller of these tests encodes the path; what is no text cannot be one.
    return f"{path}?{query}".encode("utf-8", "replace").decode()


@pytest.fixture
def server() -> Caller:
    config = StoreConfig(60_000, 3_600_000, 7_200_000, StoreLimits(series_count_max=SERIES_MAX))
    settings = RequestSettings(body_bytes_max=BODY_BYTES_MAX)
    server = Caller(make_app(MemoryStore(config), lambda: NOW_MS, settings))
    publish_good(server)
    return server


def publish_good(server: Caller) -> None:
    metrics = [
        {
            "tags": {"name": "good", "node": f"i-{n}", "atlas.dstype": "gauge"},
            "timestamp": NOW_MS,
            "value": n,
        }
        for n in range(10)
    ]
    assert server.post("/api/v1/publish", {"metrics": metrics}).status == 200


def check_still_right(server: Caller) -> None:
    """What was stored before is still there, and more of it is still taken."""
    publish_good(server)
    window = {"s": str(NOW_MS - 60_000), "e": str(NOW_MS), "tz": "UTC", "format": "json"}
    answer = server.get("/api/v1/graph", q="name,good,:eq,:sum", **window)
    assert answer.json["values"] == [[45.0]]
    names = server.get("/api/v1/tags/node", q="name,good,:eq").json
    assert names == [f"i-{n}" for n in range(10)]


def check_published(answer: Answer) -> None:
    assert answer.status in (200, 202, *REFUSALS)
    if answer.status == 200:
        assert answer.body == b""
        return
    said = answer.json
    assert said["type"] == ("partial" if answer.status == 202 else "error")
    assert said["message"]


def check_listed(answer: Answer) -> None:
    assert answer.status in (200, 404, 414, *REFUSALS)
    if answer.status != 200:
        assert answer.json["message"]
    else:
        answer.body.decode()


def look(ask: Callable[[random.Random], tuple[object, Callable[[], None]]]) -> None:
    """Ask for a while; each request has its own seed, and is soon over."""
    tracemalloc.start()
    try:
        until_s, seed = time.monotonic() + SECONDS, SEED
        before, _ = tracemalloc.get_traced_memory()
        while time.monotonic() < until_s:
            request, check = ask(random.Random(seed))
            began_s = time.monotonic()
            try:
                check()
                assert time.monotonic() - began_s < REQUEST_SECONDS_MAX
            except BaseException as error:
                error.add_note(f"seed {seed}: {request!r}")
                raise
            seed += 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < GROWTH_BYTES_MAX, f"seeds {SEED} to {seed}"


def test_random_bodies_are_taken_or_refused(server):
    def ask(rng):
        body, headers = request_body(rng)

        def check():
            check_published(server.call("POST", "/api/v1/publish", body, **headers))

        return (body, headers), check

    look(ask)
    check_still_right(server)


def test_random_listings_are_answered_or_refused(server):
    for seed in range(200):
        server.call("POST", "/api/v1/publish", batch(random.Random(seed)))

    def ask(rng):
        target = listing(rng)
        return target, lambda: check_listed(server.call("GET", target))

    look(ask)
    check_still_right(server)
