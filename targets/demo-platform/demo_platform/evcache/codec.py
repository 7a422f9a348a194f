"""Keys and values as a node takes them: long keys hashed, large values compressed and cut. Pure.

A value of any size becomes entries of a bounded size: the first, under the key itself, is the value
or says how many pieces there are, and a checksum over them. Whatever comes back and does not fit
together is Corrupt, never a value: to its reader it is a miss.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from hashlib import blake2b

from demo_platform.evcache.lines import KEY_BYTES_MAX

COMPRESSED = 1
CHUNKED = 2
COMPRESS_FROM_BYTES = 2048
CHUNK_BYTES = 128 * 1024
VALUE_BYTES_MAX = 4 * 1024 * 1024
_CHUNKS_MAX = VALUE_BYTES_MAX // CHUNK_BYTES
_SPEED = 1


class Corrupt(Exception):
    """What a node keeps under a key is no value of ours, or not a whole one."""


class TooLarge(ValueError):
    """A value that is not for a cache."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to be stored under a name."""

    name: bytes
    flags: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the first entry says of a value that was cut."""

    names: tuple[bytes, ...]
    size_bytes: int
    checksum: int
    flags: int


def name_of(app: str, key: str) -> bytes:
    """The name under which a node knows an app's key; one that it would not take is hashed.

    >>> name_of("profile", "7"), name_of("profile", "a b")[:13], len(name_of("profile", "x" * 300))
    (b'profile:7', b'profile:#0b67', 49)
    """
    name = f"{app}:{key}".encode()
    if len(name) > KEY_BYTES_MAX or any(byte <= 32 or byte == 127 for byte in name):
        return f"{app}:#{blake2b(name, digest_size=20).hexdigest()}".encode()
    return name


def entries_of(
    name: bytes, value: bytes, *, write_id: int, chunk_bytes: int = CHUNK_BYTES
) -> tuple[Entry, ...]:
    """What to store, the entry under `name` last, so that it never names what is not there yet.

    write_id: 0…2**32 - 1, different for each write, so that pieces of two writes do not mix.
    Raises TooLarge above VALUE_BYTES_MAX.
    """
    if len(value) > VALUE_BYTES_MAX:
        raise TooLarge(f"{len(value)} bytes; a cache takes {VALUE_BYTES_MAX}")
    flags, data = 0, value
    if len(value) >= COMPRESS_FROM_BYTES:
        packed = zlib.compress(value, _SPEED)
        if len(packed) < len(value):
            flags, data = COMPRESSED, packed
    if len(data) <= chunk_bytes:
        return (Entry(name, flags, data),)
    pieces = [data[at : at + chunk_bytes] for at in range(0, len(data), chunk_bytes)]
    said = b"%d %d %d %d" % (len(pieces), len(data), zlib.crc32(data), write_id)
    chunks = (Entry(_chunk_name(name, write_id, n), flags, piece) for n, piece in enumerate(pieces))
    return (*chunks, Entry(name, flags | CHUNKED, said))


def manifest_of(name: bytes, flags: int, data: bytes) -> Manifest | None:
    """What the first entry says of its pieces; None when it is the value. Raises Corrupt."""
    if not flags & CHUNKED:
        return None
    try:
        count, size_bytes, checksum, write_id = (int(word) for word in data.split(b" "))
    except ValueError:
        raise Corrupt("the list of pieces cannot be read") from None
    if not 0 < count <= _CHUNKS_MAX * 2 or not 0 <= size_bytes <= VALUE_BYTES_MAX:
        raise Corrupt(f"{count} pieces of {size_bytes} bytes")
    names = tuple(_chunk_name(name, write_id, n) for n in range(count))
    return Manifest(names, size_bytes, checksum, flags & ~CHUNKED)


def joined(manifest: Manifest, pieces: dict[bytes, bytes]) -> bytes:
    """The data that was cut. Raises Corrupt when a piece is missing or is another's."""
    try:
        data = b"".join(pieces[name] for name in manifest.names)
    except KeyError as missing:
        raise Corrupt(f"piece {missing} is missing") from None
    if len(data) != manifest.size_bytes or zlib.crc32(data) != manifest.checksum:
        raise Corrupt("the pieces do not fit together")
    return data


def value_of(flags: int, data: bytes) -> bytes:
    """The value that an entry, or pieces put together, hold. Raises Corrupt."""
    if flags & ~COMPRESSED:
        raise Corrupt(f"flags {flags} are none of ours")
    if not flags:
        return data
    unpacker = zlib.decompressobj()
    try:
        value = unpacker.decompress(data, VALUE_BYTES_MAX)
    except zlib.error as error:
        raise Corrupt(f"does not unpack: {error}") from None
    if not unpacker.eof:
        raise Corrupt("unpacks to more than a cache takes, or to half a value")
    return value


def _chunk_name(name: bytes, write_id: int, number: int) -> bytes:
    whole = b"%b#%08x-%d" % (name, write_id, number)
    if len(whole) <= KEY_BYTES_MAX:
        return whole
    return b"#" + blake2b(whole, digest_size=20).hexdigest().encode()
