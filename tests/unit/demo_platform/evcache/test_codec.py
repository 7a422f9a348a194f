"""Values as nodes take them, and what comes back that is none."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_platform.evcache import codec
from demo_platform.evcache.codec import Corrupt, Entry, TooLarge

NAME = b"app:key"


def read(name: bytes, kept: dict[bytes, Entry]) -> bytes:
    """What a reader makes of the entries that a node keeps."""
    first = kept[name]
    manifest = codec.manifest_of(name, first.flags, first.data)
    if manifest is None:
        return codec.value_of(first.flags, first.data)
    pieces = {piece: kept[piece].data for piece in manifest.names if piece in kept}
    return codec.value_of(manifest.flags, codec.joined(manifest, pieces))


def kept_of(value: bytes, write_id: int = 7, chunk_bytes: int = 500) -> dict[bytes, Entry]:
    entries = codec.entries_of(NAME, value, write_id=write_id, chunk_bytes=chunk_bytes)
    return {entry.name: entry for entry in entries}


@given(st.one_of(st.binary(max_size=5000), st.binary(max_size=50).map(lambda b: b * 100)))
def test_every_value_comes_back(value: bytes) -> None:
    kept = kept_of(value)
    assert read(NAME, kept) == value
    assert all(len(entry.data) <= 500 and len(entry.name) <= 250 for entry in kept.values())


def test_large_values_are_compressed_and_what_does_not_shrink_is_not() -> None:
    (entry,) = codec.entries_of(NAME, b"abc" * 10_000, write_id=1)
    assert entry.flags == codec.COMPRESSED
    assert len(entry.data) < 1000
    (entry,) = codec.entries_of(NAME, random.Random(1).randbytes(5000), write_id=1)
    assert entry.flags == 0


def test_the_entry_under_the_key_is_stored_last() -> None:
    value = random.Random(1).randbytes(1200)
    entries = codec.entries_of(NAME, value, write_id=1, chunk_bytes=500)
    assert [entry.name for entry in entries][-1] == NAME
    assert len(entries) == 4


def test_pieces_that_are_missing_changed_or_anothers_are_no_value() -> None:
    value, other = (random.Random(n).randbytes(1200) for n in (1, 2))
    kept = kept_of(value)
    first = next(name for name in kept if name != NAME)
    with pytest.raises(Corrupt, match="missing"):
        read(NAME, {name: entry for name, entry in kept.items() if name != first})
    changed = Entry(first, 0, b"x" * 500)
    with pytest.raises(Corrupt, match="fit together"):
        read(NAME, kept | {first: changed})
    mixed = kept | kept_of(other, write_id=8)
    assert read(NAME, mixed) == other


@pytest.mark.parametrize(
    ("flags", "data"),
    [
        (codec.COMPRESSED, b"no zlib"),
        (codec.COMPRESSED, b""),
        (4, b"x"),
        (2**31, b"x"),
        (codec.CHUNKED, b""),
        (codec.CHUNKED, b"1 2 3"),
        (codec.CHUNKED, b"x y z w"),
        (codec.CHUNKED, b"0 0 0 0"),
        (codec.CHUNKED, b"99999999 5 1 1"),
        (codec.CHUNKED, b"1 999999999999 1 1"),
    ],
)
def test_poison_is_corrupt(flags: int, data: bytes) -> None:
    with pytest.raises(Corrupt):
        read(NAME, {NAME: Entry(NAME, flags, data)})


def test_what_unpacks_to_too_much_is_corrupt() -> None:
    import zlib

    bomb = zlib.compress(b"\0" * (codec.VALUE_BYTES_MAX + 1))
    with pytest.raises(Corrupt, match="more than a cache takes"):
        codec.value_of(codec.COMPRESSED, bomb)


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(TooLarge):
        codec.entries_of(NAME, b"x" * (codec.VALUE_BYTES_MAX + 1), write_id=1)


@pytest.mark.parametrize("key", ["7", "ä", "a/b?c", "k" * 242])
def test_keys_that_a_node_takes_stay_as_they_are(key: str) -> None:
    assert codec.name_of("profile", key) == f"profile:{key}".encode()


@pytest.mark.parametrize("key", ["a b", "a\r\nflush_all", "a\tb", "\x7f", "k" * 243, "ä" * 200])
def test_keys_that_a_node_would_not_take_are_hashed(key: str) -> None:
    name = codec.name_of("profile", key)
    assert name.startswith(b"profile:#")
    assert len(name) == 49
    assert name != codec.name_of("profile", key + "x")


def test_pieces_of_a_long_name_have_names_that_a_node_takes() -> None:
    name = codec.name_of("profile", "k" * 242)
    entries = codec.entries_of(name, random.Random(1).randbytes(3000), write_id=1, chunk_bytes=500)
    assert len(entries) == 7
    assert all(len(entry.name) <= 250 for entry in entries)
    assert len({entry.name for entry in entries}) == 7
