"""Which origin a request is for: rules by host and path, set as properties while the edge runs.

`/v2/play -> api/play` sends a path to a route of a service; `tv.example.net/* -> api` sends all
that is asked of a host there, path and all; `/play -> off` answers 404. The route that no rule is
for has its name for a path. Rules are tried in the order of their names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from demo_platform.errors import DemoError, unknown_name

OFF = "off"
RULES_MAX = 32

_RULE = re.compile(r"([A-Za-z0-9.*-]*)(/[A-Za-z0-9._/-]*\*?)\s*->\s*([a-z]+)((?:/[A-Za-z0-9_-]+)?)")
_FIX = "write [HOST]/PATH -> SERVICE[/ROUTE], for example /v2/play -> api/play"


@dataclass(frozen=True, slots=True)
class Rule:
    """A row. host: empty for any, *.example.net for all below. path: may end in *."""

    name: str
    host: str
    path: str
    vip: str
    target: str = ""

    def matches(self, host: str, path: str) -> bool:
        """Whether a request is meant."""
        if self.host and not _is_of(host, self.host):
            return False
        if self.path.endswith("*"):
            return path.startswith(self.path[:-1])
        return path == self.path

    def path_at_origin(self, path: str) -> str:
        """What the origin is asked for."""
        return self.target or path.removeprefix("/")


def parse_rule(name: str, text: str, *, vips: Collection[str], where: str) -> Rule:
    """A rule from its text. Raises DemoError.

    >>> parse_rule("v2", "/v2/play -> api/play", vips=("api",), where="").target
    'play'
    """
    match = _RULE.fullmatch(text.strip())
    if match is None:
        raise DemoError(f"{text!r} is no routing rule", where=where, fix=_FIX)
    host, path, vip, target = match.groups()
    if "*" in host.removeprefix("*."):
        fix = "a host is a name, or *. and the end of one"
        raise DemoError(f"{host!r} is no host", where=where, fix=fix)
    if vip != OFF and vip not in vips:
        raise unknown_name("service", vip, (*vips, OFF), where=where)
    return Rule(name, host, path, vip, target.removeprefix("/"))


def rules_of(texts: Mapping[str, str], *, vips: Collection[str]) -> tuple[Rule, ...]:
    """Rules by name, in their order."""
    return tuple(
        parse_rule(name, text, vips=vips, where=f"zuul.route.{name}")
        for name, text in sorted(texts.items())
    )


def _is_of(host: str, wanted: str) -> bool:
    host = host.partition(":")[0].lower()
    return host.endswith(wanted[1:]) if wanted.startswith("*.") else host == wanted
