"""The probes of a document: their keys by kind. `chaosctl/probes/` has what they do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from atlas.errors import AtlasError
from atlas.expr.pattern import compile_pattern
from chaosctl.experiment import nodes, units
from chaosctl.experiment.forms import (
    WRONG,
    BoolForm,
    ChoiceForm,
    CountForm,
    Fields,
    Form,
    Key,
    ListForm,
    MapForm,
    Notes,
    TextForm,
    UnitForm,
    kind_of,
)
from chaosctl.experiment.model import ProbeSpec
from chaosctl.experiment.nodes import Node, Scalar
from chaosctl.experiment.steps import DURATION_SHAPES, duration_form
from chaosctl.experiment.windows import STEP_MS

TIMEOUT_MS_MAX = 30_000
EVERY_MS_MAX = 60_000

_HEADER = re.compile(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_STATUSES = ("SERVING", "NOT_SERVING", "UNKNOWN", "SERVICE_UNKNOWN")


def _parse_bounded(written: object, most_ms: int) -> int:
    ms = units.parse_duration(written)
    if ms > most_ms:
        raise units.BadUnit(f"{written} is too long", f"at most {most_ms // 1000}s")
    return ms


def _parse_timeout(written: object) -> int:
    return _parse_bounded(written, TIMEOUT_MS_MAX)


def _parse_every(written: object) -> int:
    ms = _parse_bounded(written, EVERY_MS_MAX)
    if ms % STEP_MS:
        what = f"{written} is not a whole number of steps"
        raise units.BadUnit(what, f"a step is {STEP_MS // 1000}s")
    return ms


def _check_url(text: str, node: Scalar, notes: Notes) -> bool:
    try:
        url = urlsplit(text)
        is_url = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
        is_url = is_url and text.isascii() and text.isprintable() and " " not in text
    except ValueError:
        is_url = False
    if is_url and url.username is not None:
        notes.add(node.place, "a URL with a password in it", "put it into 'headers'")
        return False
    if not is_url:
        notes.add(node.place, f"'{text}' is no URL", "as in http://127.0.0.1:8080/health")
    return is_url


def _check_address(text: str, node: Scalar, notes: Notes) -> bool:
    host, colon, port = text.rpartition(":")
    is_port = port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536
    if colon and host and is_port and not any(c.isspace() or c == "/" for c in text):
        return True
    notes.add(node.place, f"'{text}' is no address", "as in 127.0.0.1:5432")
    return False


def _check_pattern(text: str, node: Scalar, notes: Notes) -> bool:
    try:
        compile_pattern(text, ignore_case=False)
    except AtlasError as error:
        notes.add(
            node.place,
            f"'{text}' is no pattern: {error.what.splitlines()[0]}",
            error.fix or "correct it",
        )
        return False
    return True


def _check_path(text: str, node: Scalar, notes: Notes) -> bool:
    import jsonpath_ng  # noqa: PLC0415 - takes long to load

    try:
        jsonpath_ng.parse(text)
    # The library raises exactly this, without a kind of its own, for some of its errors.
    except (jsonpath_ng.exceptions.JSONPathError, ValueError, AttributeError) as error:
        what = f"'{text}' is no JSON path: {str(error).splitlines()[0]}"
        notes.add(node.place, what, "as in $.queue.depth")
        return False
    return True


@dataclass(frozen=True, slots=True)
class _ScalarForm:
    """Any one value of JSON."""

    def read(self, node: Node, notes: Notes) -> Any:
        """The value as YAML means it."""
        if isinstance(node, Scalar):
            return node.value
        return notes.add(node.place, f"expected one value, found {kind_of(node)}", "as in ok or 3")

    def schema(self) -> dict[str, Any]:
        """Several types."""
        return {"anyOf": [{"type": t} for t in ("string", "number", "boolean", "null")]}


@dataclass(frozen=True, slots=True)
class _HeadersForm:
    """Names to texts."""

    def read(self, node: Node, notes: Notes) -> Any:
        """The headers."""
        if not isinstance(node, nodes.Mapping):
            what = f"expected headers, found {kind_of(node)}"
            return notes.add(node.place, what, "as in {Accept: text/plain}")
        headers = {}
        for key, value in node.entries:
            if not _HEADER.match(key.text):
                return notes.add(key.place, f"'{key.text}' is no header", "as in Accept")
            if not isinstance(value, Scalar) or not value.text.isprintable():
                what = f"expected one line of text, found {kind_of(value)}"
                return notes.add(value.place, what, "as in Accept: text/plain")
            headers[key.text] = value.text
        return headers

    def schema(self) -> dict[str, Any]:
        """Any names, texts or numbers."""
        value = {"anyOf": [{"type": t} for t in ("string", "number", "boolean")]}
        return {"type": "object", "patternProperties": {_HEADER.pattern: value}}


@dataclass(frozen=True, slots=True)
class _TakeForm:
    """What number to take: one of the words, or (has_paths) what a JSON path finds."""

    words: tuple[str, ...]
    has_paths: bool = False

    def read(self, node: Node, notes: Notes) -> Any:
        """The word or path."""
        if self.has_paths and isinstance(node, Scalar) and node.text.startswith("$"):
            return node.text if _check_path(node.text, node, notes) else WRONG
        more = f"one of {', '.join(self.words)}"
        more += ", or a JSON path as in $.queue.depth" if self.has_paths else ""
        return ChoiceForm("number", self.words, more).read(node, notes)

    def schema(self) -> dict[str, Any]:
        """The words, or what begins with a dollar."""
        words = {"type": "string", "enum": list(self.words)}
        path = {"type": "string", "pattern": r"^\$", "examples": ["$.queue.depth"]}
        return {"anyOf": [words, path]} if self.has_paths else words


_TEXT = TextForm("some text")
_PATTERN = TextForm("a pattern", _check_pattern)
_WITHIN = Key(duration_form(1), "how soon it answers, as in 300ms")
_CONTAINS = Key(_TEXT, "text that stands in it")
_MATCHES = Key(_PATTERN, "a pattern that fits inside one of its lines")
_JSON = Key(
    MapForm(
        "what JSON is expected",
        {
            "path": Key(TextForm("a JSON path", _check_path), "finds something", True),
            "equals": Key(_ScalarForm(), "what the first of that is"),
        },
        "{path: $.status, equals: ok}",
    ),
    "what stands in it, as JSON",
)


def _expect(keys: dict[str, Key], example: str) -> Key:
    return Key(MapForm("what is expected", keys, example), "what a good answer is")


def _numbers(least: int, most: int) -> Form:
    return ListForm(CountForm(least, most), "numbers", or_one=True)


KINDS: Mapping[str, Key] = MappingProxyType(
    {
        "http": Key(
            MapForm(
                "an HTTP probe",
                {
                    "url": Key(TextForm("a URL", _check_url), "where to ask", True),
                    "method": Key(ChoiceForm("method", _METHODS), "GET unless said"),
                    "headers": Key(_HeadersForm(), "what is sent along"),
                    "body": Key(_TEXT, "what is sent"),
                    "verify-tls": Key(BoolForm(), "whether to check the certificate"),
                    "expect": _expect(
                        {
                            "status": Key(_numbers(100, 599), "the status, or several: 2xx"),
                            "contains": _CONTAINS,
                            "matches": _MATCHES,
                            "json": _JSON,
                            "within": _WITHIN,
                        },
                        "{status: 200, contains: ready}",
                    ),
                    "take": Key(_TakeForm(("latency",), True), "the number to judge, ms if time"),
                },
                "{url: 'http://127.0.0.1:8080/health'}",
            ),
            "an HTTP request",
        ),
        "tcp": Key(
            MapForm(
                "a TCP probe",
                {
                    "address": Key(TextForm("an address", _check_address), "HOST:PORT", True),
                    "expect": _expect({"within": _WITHIN}, "{within: 100ms}"),
                    "take": Key(_TakeForm(("latency",)), "the number to judge, ms"),
                },
                "{address: '127.0.0.1:5432'}",
            ),
            "a TCP connection",
        ),
        "command": Key(
            MapForm(
                "a command probe",
                {
                    "argv": Key(
                        ListForm(_TEXT, "arguments", most=64, or_one=True),
                        "program and arguments, without a shell",
                        True,
                    ),
                    "expect": _expect(
                        {
                            "exit": Key(_numbers(0, 255), "the exit code, or several: 0"),
                            "contains": _CONTAINS,
                            "matches": _MATCHES,
                            "json": _JSON,
                            "within": _WITHIN,
                        },
                        "{exit: 0, contains: ready}",
                    ),
                    "take": Key(_TakeForm(("number", "latency"), True), "the number to judge"),
                },
                "{argv: [pg_isready, -q]}",
            ),
            "a program's exit code and output",
        ),
        "file": Key(
            MapForm(
                "a file probe",
                {
                    "path": Key(_TEXT, "the file", True),
                    "expect": _expect(
                        {
                            "exists": Key(BoolForm(), "whether it is there: true unless said"),
                            "contains": _CONTAINS,
                            "matches": _MATCHES,
                            "json": _JSON,
                            "newer-than": Key(duration_form(1), "its age, as in 60s"),
                        },
                        "{newer-than: 60s}",
                    ),
                    "take": Key(
                        _TakeForm(("number", "age"), True), "the number to judge, age in s"
                    ),
                },
                "{path: /run/service.pid}",
            ),
            "a file of this machine",
        ),
        "grpc": Key(
            MapForm(
                "a gRPC probe",
                {
                    "address": Key(TextForm("an address", _check_address), "HOST:PORT", True),
                    "service": Key(_TEXT, "whose health; the server's unless said"),
                    "tls": Key(BoolForm(), "whether to encrypt: false unless said"),
                    "expect": _expect(
                        {
                            "status": Key(ChoiceForm("status", _STATUSES), "SERVING unless said"),
                            "within": _WITHIN,
                        },
                        "{status: SERVING}",
                    ),
                    "take": Key(_TakeForm(("latency",)), "the number to judge, ms"),
                },
                "{address: '127.0.0.1:50051'}",
            ),
            "the gRPC health check",
        ),
    }
)


def _build_probe(fields: Fields, _notes: Notes) -> ProbeSpec:
    kind = next(kind for kind in KINDS if kind in fields.values)
    spec = ProbeSpec(kind, fields.values[kind])
    every_ms = fields.get("every", spec.every_ms)
    return ProbeSpec(kind, spec.parameters, every_ms, fields.get("timeout", spec.timeout_ms))


PROBE_FORM = MapForm(
    "a probe",
    {
        **KINDS,
        "every": Key(
            UnitForm(_parse_every, DURATION_SHAPES, STEP_MS, "1s"), "how often it asks: 1s"
        ),
        "timeout": Key(
            UnitForm(_parse_timeout, DURATION_SHAPES, 10, "10ms"), "how long it waits: 1s"
        ),
    },
    "{http: {url: 'http://127.0.0.1:8080/health'}}",
    _build_probe,
    one_of=tuple(KINDS),
    one_of_what="kind",
)
