"""XML for those who ask with curl: the original's, made from the same shapes as the JSON.

A key that begins with @ is an attribute, $ the text; a list is one element for each of its items.
Keys of metadata are anybody's words: what XML forbids in a name becomes an underscore, and what it
forbids in a text is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

_NAMES = {"overriddenStatus": "overriddenstatus"}
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]")
_NOT_IN_TEXTS = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_xml(root: str, value: object) -> bytes:
    """The document with that root element.

    >>> to_xml("a", {"@b": "1", "c": ["x & y", {"$": 2}]})
    b'<a b="1"><c>x &amp; y</c><c>2</c></a>'
    """
    return "".join(_elements(root, value)).encode()


def _elements(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _elements(name, item)
        return
    tag = _tag(name)
    if not isinstance(value, dict):
        yield f"<{tag}>{_text(value)}</{tag}>"
        return
    attributes = "".join(
        f" {_tag(key[1:])}={quoteattr(_plain(text))}"
        for key, text in value.items()
        if key.startswith("@")
    )
    yield f"<{tag}{attributes}>"
    for key, inner in value.items():
        if key == "$":
            yield _text(inner)
        elif not key.startswith("@"):
            yield from _elements(key, inner)
    yield f"</{tag}>"


def _tag(key: str) -> str:
    name = _NOT_IN_NAMES.sub("_", _NAMES.get(key, key))
    return name if name[:1].isalpha() or name[:1] == "_" else f"_{name}"


def _text(value: object) -> str:
    return escape(_plain(value))


def _plain(value: object) -> str:
    return _NOT_IN_TEXTS.sub("", str(value))
