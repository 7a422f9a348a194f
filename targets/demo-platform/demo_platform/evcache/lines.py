"""What a command line of the protocol says: its words, checked and turned into values. Pure."""

from __future__ import annotations

import string

KEY_BYTES_MAX = 250

ERROR = b"ERROR\r\n"
BAD_LINE = b"CLIENT_ERROR bad command line format\r\n"
BAD_EXPTIME = b"CLIENT_ERROR invalid exptime argument\r\n"

_PLAIN = frozenset(string.ascii_letters + string.digits + "-._~")
_DIGITS_MAX = 20
_INT32 = 2**31
_INT64 = 2**63
_UINT32 = 2**32
UINT64 = 2**64


class Refused(Exception):
    """A command line that is answered by an error, which is the exception's argument."""


class StoreLine:
    """A command that waits for its data."""

    __slots__ = ("exptime", "flags", "key", "size", "unique", "verb", "wants_reply")

    def __init__(self, words: list[bytes]) -> None:
        has_unique = words[0] == b"cas"
        count = 6 if has_unique else 5
        if len(words) not in {count, count + 1}:
            raise Refused(ERROR)
        self.wants_reply = words[-1] != b"noreply"
        bad_line = BAD_LINE if self.wants_reply else b""
        self.verb = words[0]
        self.key = words[1]
        if len(self.key) > KEY_BYTES_MAX:
            raise Refused(bad_line)
        flags = number_of(words[2], 0, UINT64)
        exptime = number_of(words[3], -_INT64, _INT64)
        size = number_of(words[4], 0, _INT32 - 2)
        unique = number_of(words[5], 0, UINT64) if has_unique else 0
        if flags is None or exptime is None or size is None or unique is None:
            raise Refused(bad_line)
        self.flags = flags % _UINT32
        self.exptime = _in_32_bits(exptime)
        self.size, self.unique = size, unique

    @property
    def takes(self) -> int:
        """Bytes that follow the line."""
        return self.size + 2


def quoted(key: bytes) -> bytes:
    """A key as a dump writes it: bytes that are not plain as `%` and two hexadecimal digits."""
    return b"".join(b"%c" % c if chr(c) in _PLAIN else b"%%%02X" % c for c in key)


def check_keys(words: list[bytes], first: int) -> None:
    """Refuse a line with a key, from word `first` on, that is too long."""
    for key in words[first:]:
        if len(key) > KEY_BYTES_MAX:
            raise Refused(BAD_LINE)


def without_noreply(words: list[bytes]) -> tuple[list[bytes], bool]:
    """The words but for a last `noreply`, and whether a reply is wanted."""
    if words[-1] == b"noreply":
        return words[:-1], False
    return words, True


def exptime_of(word: bytes) -> int:
    """The time to live; as in the original, what does not fit into 32 bits loses the rest."""
    exptime = number_of(word, -_INT64, _INT64)
    if exptime is None:
        raise Refused(BAD_EXPTIME)
    return _in_32_bits(exptime)


def _in_32_bits(number: int) -> int:
    return (number + _INT32) % _UINT32 - _INT32


def number_of(word: bytes, low: int, high: int) -> int | None:
    """The decimal number if it is one and low <= number < high."""
    digits = word[1:] if word.startswith((b"+", b"-")) else word
    if not digits.isdigit() or len(digits) > _DIGITS_MAX:
        return None
    number = int(word)
    return number if low <= number < high else None
