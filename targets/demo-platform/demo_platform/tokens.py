"""Tokens: what auth says of a member, signed, so that it can be believed without asking auth.

A token is `payload.signature`, both URL-safe base64; the payload is JSON. Clocks differ: a token is
good from some time before it was signed to some time after its end. The leeway is a quarter of an
hour: a machine that has lost its time server is wrong by minutes, and a member cannot help it. Who
measures nothing with a wall clock needs it for nothing else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from enum import StrEnum
from typing import Self

import msgspec

TOKEN_S = 3600
LEEWAY_S = 900.0


class Standing(StrEnum):
    """What is to be said of a token, by the reader's clock."""

    GOOD = "good"
    LEEWAY = "leeway"  # too early or too late, by no more than clocks may differ
    EARLY = "early"
    LATE = "late"
    FORGED = "forged"  # not signed with the key, or no token at all


class Claims(msgspec.Struct, frozen=True, array_like=True):
    """What a token says; instants are seconds since 1970."""

    member: int
    plan: str
    from_s: int
    until_s: int

    @classmethod
    def starting(cls, member: object, plan: object, *, now_s: float) -> Self:
        """Claims that are good from now on."""
        number = member if isinstance(member, int) else 0
        return cls(number, str(plan), int(now_s), int(now_s) + TOKEN_S)


_decoder = msgspec.json.Decoder(Claims)


def key_of(seed: int) -> bytes:
    """The key that all instances of a world sign with."""
    return hashlib.sha256(f"{seed}/tokens".encode()).digest()


def sign(claims: Claims, *, key: bytes) -> str:
    """The claims as a token.

    >>> read(sign(Claims(7, "standard", 100, 220), key=b"k"), key=b"k", now_s=150.0).member
    7
    """
    payload = msgspec.json.encode(claims)
    return f"{_text(payload)}.{_text(_signature(payload, key))}"


def read(token: object, *, key: bytes, now_s: float, leeway_s: float = LEEWAY_S) -> Claims | None:
    """What a token says; None if it is not signed with the key, or not good now.

    >>> token = sign(Claims(7, "standard", 1000, 1120), key=b"k")
    >>> [read(token, key=b"k", now_s=now_s) is not None for now_s in (99, 101, 2019, 2021)]
    [False, True, True, False]
    >>> read(token, key=b"other", now_s=1050.0), read("x", key=b"k", now_s=1.0)
    (None, None)
    """
    claims, standing = judge(token, key=key, now_s=now_s, leeway_s=leeway_s)
    return claims if standing in (Standing.GOOD, Standing.LEEWAY) else None


def judge(
    token: object, *, key: bytes, now_s: float, leeway_s: float = LEEWAY_S
) -> tuple[Claims | None, Standing]:
    """What a token says, and how it stands; forged ones say nothing.

    >>> token = sign(Claims(7, "standard", 1000, 1120), key=b"k")
    >>> [str(judge(token, key=b"k", now_s=now_s)[1]) for now_s in (99, 999, 1000, 1121, 2021)]
    ['early', 'leeway', 'good', 'leeway', 'late']
    >>> str(judge(token, key=b"k", now_s=999, leeway_s=0.0)[1])
    'early'
    """
    claims = _believed(token, key)
    if claims is None:
        return None, Standing.FORGED
    if claims.from_s <= now_s <= claims.until_s:
        return claims, Standing.GOOD
    if claims.from_s - leeway_s <= now_s <= claims.until_s + leeway_s:
        return claims, Standing.LEEWAY
    return claims, Standing.EARLY if now_s < claims.from_s else Standing.LATE


def _believed(token: object, key: bytes) -> Claims | None:
    if not isinstance(token, str):
        return None
    payload_text, _, signature_text = token.partition(".")
    try:
        payload = base64.urlsafe_b64decode(payload_text)
        signature = base64.urlsafe_b64decode(signature_text)
        if not hmac.compare_digest(signature, _signature(payload, key)):
            return None
        return _decoder.decode(payload)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None


def _signature(payload: bytes, key: bytes) -> bytes:
    return hmac.new(key, payload, hashlib.sha256).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()
