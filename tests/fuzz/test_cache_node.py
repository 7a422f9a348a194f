"""Bytes that no cache client would send: a node says something or hangs up, and works on.

With `CHAOSCTL_FUZZ_SECONDS=600` this looks for longer. A failure names the seed;
`CHAOSCTL_FUZZ_SEED` starts from that seed again.
"""

from __future__ import annotations

import os
import random
import time

from demo_platform.evcache.counts import Counts
from demo_platform.evcache.session import LINE_BYTES_MAX, MULTIGET_BYTES_MAX, Session
from demo_platform.evcache.storage import Storage

SECONDS = float(os.environ.get("CHAOSCTL_FUZZ_SECONDS", "0.5"))
SEED = int(os.environ.get("CHAOSCTL_FUZZ_SEED", "0"))
LIMIT_BYTES = 4000
ITEM_BYTES_MAX = 1500
WORDS = [
    *(b"get gets gat gats set add replace append prepend cas delete touch incr decr stats").split(),
    *(b"flush_all version verbosity quit mn lru_crawler metadump all reset settings").split(),
    *(b"noreply noreply a b c dd 0 1 2 5 -1 10 +3 1499 1500 999999 18446744073709551616").split(),
    b"", b"\x00", b"\xff\xfe", b"\t", b"k" * 250, b"k" * 251, b"1_0", b"0x1", b"1e3", b"\r",
]  # fmt: skip
ENDS = [b"\r\n"] * 12 + [b"\n", b"\r", b"", b"\r\n\r\n", b"\x00\r\n"]


def line(rng: random.Random) -> bytes:
    kind = rng.random()
    if kind < 0.3:
        size = rng.choice([0, 1, 2, 5, 100, 1440, 1441, 1500, 1501, 3000])
        said = size if rng.random() < 0.8 else rng.randrange(3000)
        verb = rng.choice(WORDS[4:9])
        end = rng.choice(ENDS)
        return b"%b %b 0 0 %d\r\n%b%b" % (verb, rng.choice(WORDS), said, b"x" * size, end)
    if kind < 0.35:
        return rng.randbytes(rng.choice([1, 10, 3000]))
    words = [rng.choice(WORDS) for _ in range(rng.choice([1, 1, 2, 3, 4, 5, 6, 7, 60]))]
    return b" ".join(words) + rng.choice(ENDS)


def converse(seed: int) -> None:
    rng = random.Random(seed)
    storage = Storage(limit_bytes=LIMIT_BYTES, item_bytes_max=ITEM_BYTES_MAX)
    session, counts = Session(storage, Counts()), Counts()
    talk = b"".join(line(rng) for _ in range(rng.choice([1, 5, 40])))
    at = 0
    while at < len(talk) and not session.is_over:
        piece = talk[at : at + rng.choice([1, 7, 100, 5000])]
        at += len(piece)
        session.feed(piece)
        rounds = 0
        while True:
            session.work(1e9 + at, reply_bytes=rng.choice([1, 100, 10_000]))
            rounds += 1
            if session.is_done or session.is_over:
                break
            assert rounds <= 3 * len(talk) + 10, f"seed {seed}: does not come to an end"
        kept = len(session._buffer) - session._at + sum(map(len, session._later))
        limit = ITEM_BYTES_MAX + 2 + max(LINE_BYTES_MAX, MULTIGET_BYTES_MAX) + len(piece)
        assert kept <= limit, f"seed {seed}: keeps {kept} bytes"
        assert storage.size_bytes <= LIMIT_BYTES, f"seed {seed}: storage is over its limit"
    other = Session(storage, counts)
    other.feed(b"set z 0 0 1\r\nz\r\nget z\r\n")
    said = other.work(2e9, reply_bytes=10_000)
    assert said == b"STORED\r\nVALUE z 0 1\r\nz\r\nEND\r\n", f"seed {seed}: {said!r}"


def test_a_node_survives_what_it_is_told() -> None:
    seed, ends = SEED, time.monotonic() + SECONDS
    while time.monotonic() < ends:
        converse(seed)
        seed += 1
    print(f"seeds {SEED} to {seed - 1}")
    assert seed > SEED + 20


def test_pieces_make_no_difference() -> None:
    for seed in range(SEED, SEED + 20):
        rng = random.Random(seed)
        talk = b"".join(line(rng) for _ in range(20)).replace(b"stats", b"get")
        said = []
        for step in (1, 13, len(talk) or 1):
            session = Session(Storage(item_bytes_max=ITEM_BYTES_MAX), Counts())
            heard = b""
            for at in range(0, len(talk), step):
                session.feed(talk[at : at + step])
                while True:
                    heard += session.work(1e9, reply_bytes=10**9)
                    if session.is_done or session.is_over:
                        break
            # A line that is too long is noticed while it grows, or once it is there.
            said.append(heard)
        assert said[0] == said[1], f"seed {seed}"
        assert said[1] == said[2] or said[2].startswith(said[1]), f"seed {seed}"
