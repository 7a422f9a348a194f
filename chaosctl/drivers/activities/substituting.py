"""`${name}` in what a document says, replaced by configuration and secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NAME = re.compile(r"\$\{([^${}]+)\}")


def substitute(written: Any, values: Mapping[str, Any]) -> Any:
    """The same with every known name replaced; a text that is one name takes the typed value.

    >>> substitute(["${port}", "http://${host}:${port}/", "${other}"], {"host": "h", "port": 80})
    [80, 'http://h:80/', '${other}']
    """
    if isinstance(written, str):
        return _substitute_text(written, values)
    if isinstance(written, Mapping):
        return {substitute(k, values): substitute(v, values) for k, v in written.items()}
    if isinstance(written, list | tuple):
        return [substitute(item, values) for item in written]
    return written


def names_in(written: Any) -> set[str]:
    """Every name that is asked for.

    >>> sorted(names_in({"url": "${a}/${b}"}))
    ['a', 'b']
    """
    if isinstance(written, str):
        return {name.strip() for name in _NAME.findall(written)}
    if isinstance(written, Mapping):
        return names_in(list(written.keys())) | names_in(list(written.values()))
    if isinstance(written, list | tuple):
        return {name for item in written for name in names_in(item)}
    return set()


def _substitute_text(text: str, values: Mapping[str, Any]) -> Any:
    whole = _NAME.fullmatch(text.strip())
    if whole and whole[1].strip() in values:
        return values[whole[1].strip()]

    def replace(found: re.Match[str]) -> str:
        name = found[1].strip()
        return str(values[name]) if name in values else found[0]

    return _NAME.sub(replace, text)
