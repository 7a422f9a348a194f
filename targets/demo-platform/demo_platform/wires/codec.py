"""How a body becomes bytes and back, by service."""

from __future__ import annotations

from typing import Protocol

import msgspec

from demo_platform.service import Body
from demo_platform.wires.contract import CONTRACTS, BadBody


class Codec(Protocol):
    """What a service's requests and replies look like. All raise BadBody."""

    def encode_request(self, route: str, body: Body) -> bytes:
        """What a caller sends."""

    def decode_request(self, route: str, data: bytes) -> dict[str, object]:
        """What a caller has sent."""

    def encode_reply(self, route: str, body: Body) -> bytes:
        """What a service answers."""

    def decode_reply(self, route: str, data: bytes) -> dict[str, object]:
        """What a service has answered."""


class JsonCodec:
    """Bodies as JSON objects, whatever the route."""

    def encode_request(self, route: str, body: Body) -> bytes:
        """The body."""
        del route
        return msgspec.json.encode(body)

    def decode_request(self, route: str, data: bytes) -> dict[str, object]:
        """The body."""
        try:
            return msgspec.json.decode(data, type=dict[str, object])
        except msgspec.MsgspecError as error:
            raise BadBody(f"{route}: body is not a JSON object: {error}") from error

    encode_reply = encode_request
    decode_reply = decode_request


JSON = JsonCodec()


def codec_of(service: str) -> Codec:
    """The codec of a service: by its contract if it has one, else JSON."""
    return CONTRACTS.get(service, JSON)
