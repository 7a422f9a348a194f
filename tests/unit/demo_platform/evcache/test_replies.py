"""Replies are the same in whatever pieces they come."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_platform.evcache.replies import Broken, Expect, Reply, ReplyReader

SAID = (
    b"STORED\r\n"
    b"VALUE a 0 3\r\nabc\r\nVALUE b 5 9 17\r\nEND\r\nx\r\n!\r\nEND\r\n"
    b"END\r\n"
    b"SERVER_ERROR out of memory\r\n"
    b"VALUE c 1 0\r\n\r\nEND\r\n"
    b"12\r\n"
)
EXPECTS = [Expect.LINE, *[Expect.VALUES] * 4, Expect.LINE]
REPLIES: list[Reply] = [
    b"STORED",
    {b"a": (0, b"abc"), b"b": (5, b"END\r\nx\r\n!")},
    {},
    b"SERVER_ERROR out of memory",
    {b"c": (1, b"")},
    b"12",
]


def read(pieces: list[bytes]) -> list[Reply]:
    reader, found = ReplyReader(), []
    for piece in pieces:
        reader.feed(piece)
        while len(found) < len(EXPECTS):
            reply = reader.next(EXPECTS[len(found)])
            if reply is None:
                break
            found.append(reply)
    return found


@given(st.lists(st.integers(0, len(SAID)), max_size=30))
def test_pieces_make_no_difference(cuts: list[int]) -> None:
    ends = sorted({0, len(SAID), *cuts})
    assert read([SAID[a:b] for a, b in itertools.pairwise(ends)]) == REPLIES


def test_byte_by_byte() -> None:
    assert read([SAID[n : n + 1] for n in range(len(SAID))]) == REPLIES


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\n",
        b"VALUE a\r\n",
        b"VALUE a 0 x\r\n",
        b"VALUE a 0 -1\r\n",
        b"VALUE a 0 99999999999\r\n",
        b"VALUE a 0 999999999\r\n",
        b"VALUE a 0 2\r\nabcd\r\n",
        b"x" * 3000,
        b"\r\n",
    ],
)
def test_what_is_no_reply_breaks(said: bytes) -> None:
    reader = ReplyReader()
    reader.feed(said)
    with pytest.raises(Broken):
        reader.next(Expect.VALUES)


@given(st.binary(max_size=300))
def test_anything_is_a_reply_or_broken_or_unfinished(said: bytes) -> None:
    reader = ReplyReader()
    reader.feed(said)
    for _ in range(len(said) + 1):
        try:
            if reader.next(Expect.VALUES) is None:
                return
        except Broken:
            return
    pytest.fail("does not come to an end")
