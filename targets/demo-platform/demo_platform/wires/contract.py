"""Bodies as the messages of a service's contract.

A message's fields are the body's keys. A key that the contract does not know is left out, a field
that is not set is no key; a repeated field is always one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from demo_platform.contracts import auth_pb2, customer_pb2, license_pb2, recs_pb2
from demo_platform.service import Body


class BadBody(ValueError):
    """A body that does not fit the contract of its service."""


class Form:
    """One message of a contract."""

    __slots__ = ("_fields", "_message", "_names", "_where")

    def __init__(self, descriptor: Any) -> None:
        self._where = descriptor.full_name
        self._message: type[Message] = GetMessageClass(descriptor)
        self._names = frozenset(field.name for field in descriptor.fields)
        self._fields = tuple(
            (
                field.name,
                field.is_repeated,
                Form(field.message_type) if field.type == FieldDescriptor.TYPE_MESSAGE else None,
            )
            for field in descriptor.fields
        )

    def encode(self, body: Body) -> bytes:
        """The body as a message. Raises BadBody."""
        known = {k: body[k] for k in self._names & body.keys() if body[k] is not None}
        try:
            return bytes(self._message(**known).SerializeToString())
        except (TypeError, ValueError) as error:
            raise BadBody(f"{self._where}: {error}") from error

    def decode(self, data: bytes) -> dict[str, object]:
        """The message as a body. Raises BadBody."""
        try:
            return self._body(self._message.FromString(data))
        except DecodeError as error:
            raise BadBody(f"{self._where}: {error}") from error

    def _body(self, message: Any) -> dict[str, object]:
        body: dict[str, object] = {}
        for name, is_repeated, form in self._fields:
            if is_repeated:
                values = getattr(message, name)
                body[name] = [form._body(each) for each in values] if form else list(values)
            elif message.HasField(name):
                value = getattr(message, name)
                body[name] = form._body(value) if form else value
        return body


class Contract:
    """The codec of a service that speaks gRPC: a method of its contract for each of its routes."""

    def __init__(self, module: Any, name: str) -> None:
        descriptor = module.DESCRIPTOR.services_by_name[name]
        self.full_name: str = descriptor.full_name
        self.methods = {
            method.name.lower(): f"/{self.full_name}/{method.name}" for method in descriptor.methods
        }
        """The path of each route's method."""
        self._requests = _forms(descriptor, "input_type")
        self._replies = _forms(descriptor, "output_type")

    def encode_request(self, route: str, body: Body) -> bytes:
        """What a caller sends. Raises BadBody."""
        return self._requests[route].encode(body)

    def decode_request(self, route: str, data: bytes) -> dict[str, object]:
        """What a caller has sent. Raises BadBody."""
        return self._requests[route].decode(data)

    def encode_reply(self, route: str, body: Body) -> bytes:
        """What a service answers. Raises BadBody."""
        return self._replies[route].encode(body)

    def decode_reply(self, route: str, data: bytes) -> dict[str, object]:
        """What a service has answered. Raises BadBody."""
        return self._replies[route].decode(data)


def _forms(descriptor: Any, side: str) -> Mapping[str, Form]:
    return {method.name.lower(): Form(getattr(method, side)) for method in descriptor.methods}


CONTRACTS = {
    "auth": Contract(auth_pb2, "Auth"),
    "customer": Contract(customer_pb2, "Customer"),
    "license": Contract(license_pb2, "License"),
    "recs": Contract(recs_pb2, "Recs"),
}
"""By service; the others speak JSON."""
