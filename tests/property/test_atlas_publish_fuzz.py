"""Bodies and listings that no client would send: each is taken or refused, soon, in little memory.

With `CHAOSCTL_FUZZ_SECONDS=600` these tests look for longer. A failure names the seed and the
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

SECONDS = float(os.environ.get("CHAOSCTL_FUZZ_SECONDS", "1"))
SEED = int(os.environ.get("CHAOSCTL_FUZZ_SEED", "0"))
REQUEST_SECONDS_MAX = 5.0
CPU_SECONDS_MAX = 1.0
GROWTH_BYTES_MAX = 64 << 20
BODY_BYTES_MAX = 1 << 20
SERIES_MAX = 2_000
NOW_MS = 1_641_600_000_000
REFUSALS = (400, 413, 429)

TEXTS = [
    "", "a", "ab", "name", "cpu", "é", "日本", "\x00", "\ud800", "\U0001f600", "a b", "a,b", "a/b",
    "..", "nf.app", "nf.what", "atlas.dstype", "atlas.what", "NaN", "1e3", "x" * 61, "x" * 300,
]  # fmt: skip
KINDS = ["gauge", "rate", "sum", "counter", "max", "what"]
NUMBERS = [
    "0", "-0", "1", "-1", "1.5", "1e3", "1e308", "1e309", "-1e999", "1e-400", "NaN", "Infinity",
    "-Infinity", "9007199254740993", "18446744073709551616", "0x1", "01", "1.", ".5", "+1", "--1",
    "1" * 400, "0." + "1" * 400, "1e99999999999", f"{NOW_MS}",
]  # fmt: skip
TIMES = [f"{NOW_MS - n}" for n in (0, 1, 60_000, 3_000_000, 10**12, -60_000, -(10**12))]
FIELDS = ["tags", "metrics", "timestamp", "start", "value", "values", "Value", "", "name", "é"]


class Odds(random.Random):
    """Chances of one request: some are nearly right, some hardly."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._oddity = self.choice([0.0, 0.01, 0.05, 0.3])

    def is_odd(self) -> bool:
        return self.random() < self._oddity

    def mostly(self, good: str) -> str:
        return anything(self) if self.is_odd() else good


def text(odds: Odds) -> str:
    plain = odds.choice(TEXTS) if odds.is_odd() else f"n{odds.randrange(300)}"
    return json.dumps(plain, ensure_ascii=odds.random() < 0.5)


def anything(odds: Odds, depth: int = 0) -> str:
    """Any JSON value, or what looks like one."""
    kind = odds.random()
    if kind < 0.4 or depth > 4:
        return odds.choice([text(odds), odds.choice(NUMBERS), "true", "null", "nul", "", "'x'"])
    if kind < 0.7:
        return f"[{','.join(anything(odds, depth + 1) for _ in range(odds.randrange(4)))}]"
    return obj([(text(odds), anything(odds, depth + 1)) for _ in range(odds.randrange(4))])


def obj(items: list[tuple[str, str]]) -> str:
    return f"{{{','.join(f'{key}:{value}' for key, value in items)}}}"


def tags(odds: Odds) -> str:
    items = [] if odds.is_odd() else [('"name"', f'"{odds.choice(["cpu", "disk", "net"])}"')]
    if odds.random() < 0.7:
        items.append(('"atlas.dstype"', f'"{odds.choice(KINDS)}"'))
    size = odds.choice([25, 400]) if odds.is_odd() else odds.randrange(4)
    items += [(text(odds), odds.mostly(text(odds))) for _ in range(size)]
    return obj(items)


def metric(odds: Odds) -> str:
    number = odds.choice(NUMBERS) if odds.is_odd() else str(odds.randrange(100))
    items = [
        ('"tags"', odds.mostly(tags(odds))),
        (
            odds.mostly('"timestamp"'),
            odds.mostly(odds.choice(TIMES) if odds.is_odd() else TIMES[0]),
        ),
        (odds.mostly('"value"'), odds.mostly(number)),
    ]
    if odds.is_odd():
        items.append((f'"{odds.choice(FIELDS)}"', anything(odds)))
    odds.shuffle(items)
    return obj(items)


def batch(odds: Odds) -> bytes:
    """A body in about the right shape."""
    metrics = ",".join(odds.mostly(metric(odds)) for _ in range(odds.choice([1, 1, 2, 5, 40])))
    common = "{}" if odds.random() < 0.7 else tags(odds)
    items = [('"tags"', odds.mostly(common)), ('"metrics"', odds.mostly(f"[{metrics}]"))]
    if odds.is_odd():
        items.append((f'"{odds.choice(FIELDS)}"', anything(odds)))
    said = obj(items)
    if odds.is_odd():
        at = odds.randrange(len(said))
        said = said[:at] + odds.choice(["/* x */", "// x\n", "/*", "//", "*/"]) + said[at:]
    return said.encode("utf-8", "surrogatepass")


def mutated(odds: Odds, body: bytes) -> bytes:
    """The same with a few bytes changed, gone, doubled or moved."""
    changed = bytearray(body)
    for _ in range(odds.choice([1, 1, 2, 8])):
        start = odds.randrange(len(changed) + 1)
        part = changed[start : start + odds.choice([1, 2, 10, 100])]
        end = start + len(part)
        changed[start:end] = odds.choice(
            [
                b"",
                part * 2,
                part[::-1],
                odds.randbytes(3),
                b"\xff",
                b"\xc3",
                b"\x00",
                b'"',
                b"{",
                b"]",
            ]
        )
    return bytes(changed)


def encoded(odds: Odds, body: bytes) -> tuple[bytes, dict[str, str]]:
    """A body with the headers that say how it is encoded, or say so wrongly."""
    kind = odds.random()
    if kind < 0.6:
        return body, {}
    if kind < 0.8:
        return gzip.compress(body, 1), {"content-encoding": "gzip"}
    name = odds.choice(["gzip", "deflate", "gzip", "GZIP", "br", "", "gzip, gzip", "é", "identity"])
    packed = zlib.compress(body) if name == "deflate" else gzip.compress(body, 1)
    if kind < 0.85:
        packed = mutated(odds, packed)
    elif kind < 0.9:
        packed = odds.choice(
            [b"", body, packed[: len(packed) // 2], packed * 2, gzip.compress(packed)]
        )
    return packed, {"content-encoding": name}


def request_body(odds: Odds) -> tuple[bytes, dict[str, str]]:
    body = batch(odds)
    if odds.random() < 0.2:
        body = mutated(odds, body)
    if odds.random() < 0.02:
        body = odds.randbytes(odds.randrange(2000))
    return encoded(odds, body)


def listing(odds: Odds) -> str:
    """The target of a listing; the path may be anything, the query in any encoding."""
    words = [f":{word.name}" for word in CUSTOM]
    pieces = ["name,cpu,:eq", "name", "cpu", ":has", ":true", ":and", "(,cpu,disk,),:in", "(", ")"]
    program = ",".join(
        odds.choice([odds.choice(pieces), odds.choice(words), odds.choice(TEXTS)]) for _ in range(4)
    )
    values = {
        "q": ["name,cpu,:eq", ":true", "name,(a*)*b,:re", program, program],
        "limit": ["1", "0", "-1", "+2", "99999999999999999999", "x", "", "1.5", "٣"],
        "offset": ["name", "\uffff", *TEXTS],
        "format": ["json", "txt", "xml", ""],
        "verbose": ["0", "1", "yes"],
        "what": TEXTS,
    }
    path = "/api/v1/tags" + odds.choice(
        ["", "/", "/name", "/nf.app", "//", f"/{odds.choice(TEXTS)}"]
    )
    keys = odds.choices(list(values), k=odds.randrange(5))
    pairs = [f"{key}={quote(odds.choice(values[key]), errors='surrogatepass')}" for key in keys]
    query = "&".join(pairs)
    if odds.random() < 0.15:
        at = odds.randrange(len(query) + 1)
        query = (
            query[:at]
            + odds.choice(["%", "%f", "%ff", "%00", "&&", "=", ";", "+", "?"])
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


def look(ask: Callable[[Odds], tuple[object, Callable[[], None]]]) -> None:
    """Ask for a while; each request has its own seed, and is soon over."""
    tracemalloc.start()
    try:
        until_s, seed = time.monotonic() + SECONDS, SEED
        before, _ = tracemalloc.get_traced_memory()
        while time.monotonic() < until_s:
            request, check = ask(Odds(seed))
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
    def ask(odds):
        body, headers = request_body(odds)

        def check():
            check_published(server.call("POST", "/api/v1/publish", body, **headers))

        return (body, headers), check

    look(ask)
    check_still_right(server)


def test_random_listings_are_answered_or_refused(server):
    for seed in range(200):
        server.call("POST", "/api/v1/publish", batch(Odds(seed)))

    def ask(odds):
        target = listing(odds)
        return target, lambda: check_listed(server.call("GET", target))

    look(ask)
    check_still_right(server)


def nested(levels: int, opening: bytes, closing: bytes = b"") -> bytes:
    return opening * levels + closing * levels


MANY = BODY_BYTES_MAX // 64
WORST = {
    "lists in lists": nested(MANY, b"[", b"]"),
    "objects in objects": nested(MANY, b'{"tags":', b"}"),
    "tags in tags": b'{"metrics":[{"tags":' + nested(MANY, b'{"a":', b"}") + b"}]}",
    "metrics without anything": b'{"metrics":[' + b"{}," * MANY + b"{}]}",
    "one text": b'{"tags":{"name":"' + b"x" * (BODY_BYTES_MAX - 100) + b'"}}',
    "one number": b'{"metrics":[{"tags":{},"value":' + b"9" * (BODY_BYTES_MAX - 100) + b"}]}",
    "one exponent": b'{"metrics":[{"tags":{},"value":1e' + b"9" * (BODY_BYTES_MAX - 100) + b"}]}",
    "comments, all closed": b"/**/" * MANY,
    "many tags": b'{"metrics":[{"timestamp":%d,"value":1,"tags":{%s}}]}'
    % (NOW_MS, b",".join(b'"k%d":"v"' % n for n in range(MANY))),
    "the same key": b'{"metrics":[{"tags":{' + b",".join([b'"name":"v"'] * MANY) + b"}}]}",
    "blanks": b" " * BODY_BYTES_MAX,
    "zeros": bytes(BODY_BYTES_MAX),
    "too much": b"x" * (BODY_BYTES_MAX + 1),
    "comments, none closed": b"/* " * MANY,
    "texts, none closed": b"/" + b'\\"' * MANY,
    "tags that are not UTF-8": b'{"metrics":[{"timestamp":%d,"value":1,"tags":{"name":"a\xff"}}]}'
    % NOW_MS,
    "common tags that are not UTF-8": b'{"tags":{"a":"\xff"},"metrics":[{"timestamp":%d,"value":1,'
    b'"tags":{}}]}' % NOW_MS,
    "a number beyond all others": b'{"metrics":[{"tags":{},"value":1%s}]}' % (b"0" * 400),
}


@pytest.mark.parametrize("name", WORST)
def test_worst_bodies_are_refused_soon(server, name):
    began_s = time.process_time()
    answer = server.call("POST", "/api/v1/publish", WORST[name])
    assert time.process_time() - began_s < CPU_SECONDS_MAX
    check_published(answer)
    assert answer.status in (400, 413)
    check_still_right(server)


BOMB_BYTES = 64 << 20


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("plain", [b" ", b"[", b'{"a":'])
def test_bombs_are_not_unpacked(server, encoding, plain):
    plain = plain * (BOMB_BYTES // len(plain))
    bomb = gzip.compress(plain) if encoding == "gzip" else zlib.compress(plain)
    del plain
    tracemalloc.start()
    try:
        answer = server.call("POST", "/api/v1/publish", bomb, content_encoding=encoding)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status == 413
    assert peak < 8 * BODY_BYTES_MAX
    check_still_right(server)
