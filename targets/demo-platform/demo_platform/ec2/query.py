"""A request of AWS's query protocols: the form's flat names as a tree, and whose region it is for.

`InstanceId.1=i-1` (EC2) and `InstanceIds.member.1=i-1` (Auto Scaling) are lists; `Filter.1.Name=…`
is a list of structures. Signatures are not checked: whoever reaches the port may do everything.
But there must be one, because it names the region; and because no page in a browser can send one
unasked, none can have instances terminated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from demo_platform.ec2.faults import AwsFault, bad_value, invalid

DEPTH_MAX = 8
PARTS_MAX = 2000

_SCOPE = re.compile(r"AWS4-HMAC-SHA256 .*?Credential=[^/\s,]+/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/")
_TRUE, _FALSE = "true", "false"

Tree = dict[str, Any]
_Item = TypeVar("_Item")


class Params:
    """The parameters of one call."""

    def __init__(self, tree: Tree, *, is_ec2: bool) -> None:
        self._tree = tree
        self._is_ec2 = is_ec2

    def __contains__(self, name: str) -> bool:
        return name in self._tree

    def text(self, name: str) -> str:
        """A parameter that must be there."""
        value = self.optional(name)
        if value is None:
            raise self._missing(name)
        return value

    def optional(self, name: str) -> str | None:
        """A parameter that may be there."""
        value = self._tree.get(name)
        if value is not None and not isinstance(value, str):
            raise self._wrong(name, "is not a single value")
        return value

    def integer(self, name: str, *, low: int, high: int) -> int | None:
        """A whole number in low…high, or None."""
        text = self.optional(name)
        if text is None:
            return None
        if not re.fullmatch(r"-?\d{1,9}", text) or not low <= int(text) <= high:
            raise self._wrong(name, f"must be a whole number from {low} to {high}: {text!r}")
        return int(text)

    def number(self, name: str) -> float | None:
        """A number, or None."""
        text = self.optional(name)
        if text is None:
            return None
        if not re.fullmatch(r"-?\d{1,12}(\.\d*)?([eE]-?\d{1,2})?", text):
            raise self._wrong(name, f"is not a number: {text!r}")
        return float(text)

    def boolean(self, name: str, *, default: bool = False) -> bool:
        """A truth value."""
        text = self.optional(name)
        if text is None:
            return default
        if text.lower() not in (_TRUE, _FALSE):
            raise self._wrong(name, f"must be true or false: {text!r}")
        return text.lower() == _TRUE

    def texts(self, name: str) -> list[str]:
        """A list of values; empty when it is not there."""
        values = self._list(name)
        if not all(isinstance(value, str) for value in values):
            raise self._wrong(name, "is not a list of values")
        return values

    def structures(self, name: str) -> list[Params]:
        """A list of structures; empty when it is not there."""
        values = self._list(name)
        if not all(isinstance(value, dict) for value in values):
            raise self._wrong(name, "is not a list of structures")
        return [Params(value, is_ec2=self._is_ec2) for value in values]

    def structure(self, name: str) -> Params:
        """A structure; empty when it is not there."""
        value = self._tree.get(name, {})
        if not isinstance(value, dict):
            raise self._wrong(name, "is not a structure")
        return Params(value, is_ec2=self._is_ec2)

    def filters(self, known: Iterable[str]) -> list[tuple[str, list[str]]]:
        """The filters by name, each with the values that pass it."""
        found = self.structures("Filter" if self._is_ec2 else "Filters")
        filters = [
            (one.text("Name"), one.texts("Value" if self._is_ec2 else "Values")) for one in found
        ]
        for name, _ in filters:
            kind = name.partition(":")[0] + ":*" if ":" in name else name
            if name not in known and kind not in known:
                message = f"The filter '{name}' is invalid; there are: {', '.join(known)}"
                raise bad_value(message) if self._is_ec2 else invalid(message)
        return filters

    def _list(self, name: str) -> list[Any]:
        value = self._tree.get(name, {})
        if isinstance(value, dict) and set(value) == {"member"}:
            value = value["member"]
        if value in ("", {}):
            return []
        if not (isinstance(value, dict) and all(key.isdecimal() for key in value)):
            raise self._wrong(name, "is not a list")
        return [value[key] for key in sorted(value, key=int)]

    def _missing(self, name: str) -> AwsFault:
        if self._is_ec2:
            return AwsFault("MissingParameter", f"The request must contain the parameter {name}")
        return invalid(f"1 validation error detected: Value null at '{name}' failed to satisfy")

    def _wrong(self, name: str, what: str) -> AwsFault:
        message = f"Parameter {name} {what}"
        return bad_value(message) if self._is_ec2 else invalid(message)


def parse_form(form: Mapping[str, str]) -> Tree:
    """The form as a tree. Raises AwsFault when its names contradict each other."""
    if len(form) > PARTS_MAX:
        raise AwsFault("RequestLimitExceeded", f"a request has at most {PARTS_MAX} parameters")
    tree: Tree = {}
    for name, value in form.items():
        *path, last = name.split(".")
        if len(path) > DEPTH_MAX:
            raise AwsFault("MalformedQueryString", f"parameter is nested too deep: {name!r}")
        node = tree
        for part in path:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise AwsFault("MalformedQueryString", f"parameter is a value too: {name!r}")
        if isinstance(node.get(last), dict):
            raise AwsFault("MalformedQueryString", f"parameter is a structure too: {name!r}")
        node[last] = value
    return tree


def scope_of(authorization: str) -> tuple[str, str]:
    """(region, service) that a request's signature is for. Raises AwsFault without one."""
    found = _SCOPE.search(authorization)
    if found is None:
        raise AwsFault(
            "MissingAuthenticationToken",
            "Request is missing Authentication Token: sign it (with any credentials; they are "
            "not checked), because the signature names the region",
            status=403,
        )
    return found[1], found[2]


def matches(value: str | None, patterns: list[str]) -> bool:
    """Whether a value passes a filter; `*` and `?` in it stand for any characters."""
    if value is None:
        return False
    return any(re.fullmatch(_glob(pattern), value, re.DOTALL) for pattern in patterns)


def _glob(pattern: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)


def page_of(
    items: list[_Item], params: Params, *, size_name: str, size_max: int
) -> tuple[list[_Item], str | None]:
    """The page that was asked for, and the token of the next one. A token is where that begins."""
    size = params.integer(size_name, low=1, high=size_max)
    token = params.optional("NextToken")
    if token is not None and not re.fullmatch(r"\d{1,6}", token):
        raise AwsFault("InvalidNextToken", f"The token '{token}' is invalid")
    begin = int(token or 0)
    end = begin + (size or size_max)
    return items[begin:end], str(end) if end < len(items) else None
