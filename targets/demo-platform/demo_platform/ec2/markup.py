"""AWS's XML: a mapping is a structure, a list repeats an element that the service names.

Nothing that AWS's clients read is in attributes, so elements and text are all there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape

Value = str | int | float | bool | None | Mapping[str, "Value"] | Sequence["Value"]
Body = Mapping[str, Value]

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_CONTROL = {n: None for n in range(32) if n not in (9, 10, 13)}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one of the services writes. item: the element that a list repeats."""

    namespace: str
    item: str
    is_ec2: bool


EC2 = Dialect("http://ec2.amazonaws.com/doc/2016-11-15/", "item", is_ec2=True)
AUTO_SCALING = Dialect("http://autoscaling.amazonaws.com/doc/2011-01-01/", "member", is_ec2=False)


def answer(dialect: Dialect, action: str, body: Body, request_id: str) -> str:
    """The document of a call that succeeded."""
    if dialect.is_ec2:
        inner = _element("requestId", request_id, dialect) + _elements(body, dialect)
    else:
        inner = _element(f"{action}Result", body, dialect)
        inner += _element("ResponseMetadata", {"RequestId": request_id}, dialect)
    return f'{_HEAD}<{action}Response xmlns="{dialect.namespace}">{inner}</{action}Response>'


def failure(dialect: Dialect, code: str, message: str, request_id: str) -> str:
    """The document of a call that failed."""
    if dialect.is_ec2:
        error = {"Error": {"Code": code, "Message": message}}
        body = _elements({"Errors": error, "RequestID": request_id}, dialect)
        return f"{_HEAD}<Response>{body}</Response>"
    fault: Body = {"Type": "Sender", "Code": code, "Message": message}
    body = _elements({"Error": fault, "RequestId": request_id}, dialect)
    return f'{_HEAD}<ErrorResponse xmlns="{dialect.namespace}">{body}</ErrorResponse>'


def instant(epoch_ms: int) -> str:
    """An instant as AWS writes it."""
    moment = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{epoch_ms % 1000:03d}Z"


def _elements(body: Mapping[str, Value], dialect: Dialect) -> str:
    return "".join(_element(name, value, dialect) for name, value in body.items())


def _element(name: str, value: Value, dialect: Dialect) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        inner = _elements(value, dialect)
    elif isinstance(value, str):
        inner = escape(value.translate(_CONTROL))
    elif isinstance(value, bool):
        inner = "true" if value else "false"
    elif isinstance(value, Sequence):
        inner = "".join(_element(dialect.item, each, dialect) for each in value)
    else:
        inner = repr(value)
    return f"<{name}>{inner}</{name}>"
