"""Rules of routing, and properties of the edge: which are taken, and what is said of the others."""

from __future__ import annotations

import pytest

from demo_platform.errors import DemoError
from demo_platform.zuul.properties import check_edge_property, check_together
from demo_platform.zuul.routing import parse_rule

VIPS = ("api", "playback")


@pytest.mark.parametrize(
    ("text", "host", "path", "asks"),
    [
        ("/v2/play -> api/play", "any", "/v2/play", "api/play"),
        ("/v2/play -> api/play", "any", "/v2/play/", None),
        ("/v2/* -> api/home", "any", "/v2/x/y", "api/home"),
        ("tv.example.net/* -> api", "TV.example.net:8080", "/play", "api/play"),
        ("tv.example.net/* -> api", "example.net", "/play", None),
        ("*.example.net/play -> playback", "a.b.example.net", "/play", "playback/play"),
        ("*.example.net/play -> playback", "example.net", "/play", None),
        ("/play->off", "any", "/play", "off/play"),
    ],
)
def test_a_rule_sends_on_whom_it_is_for(text: str, host: str, path: str, asks: str | None) -> None:
    rule = parse_rule("one", text, vips=VIPS, where="w")
    found = f"{rule.vip}/{rule.path_at_origin(path)}" if rule.matches(host, path) else None
    assert found == asks


@pytest.mark.parametrize(
    ("name", "value", "what", "fix"),
    [
        ("zuul.route.a", "play -> api", "no routing rule", "/v2/play -> api/play"),
        ("zuul.route.a", "/play -> apo", "unknown service 'apo'", "did you mean 'api'?"),
        ("zuul.route.a", "a.*.b/play -> api", "no host", "*. and the end of one"),
        ("zuul.route.a", 7, "zuul.route.a is 7", "give text"),
        ("zuul.routes.a", "/a -> api", "unknown property of the edge", "zuul.route.NAME"),
        ("zuul.fitrule.a", "x", "not set by hand", "PUT /v1/fit/a"),
        ("zuul.shedding.enabled", 1, "is 1", "true or false"),
        ("zuul.shedding.startPercent", 100, "is 100", "from 0 to 99"),
        ("zuul.origin.api.retries", 2, "is 2", "from 0 to 1"),
        ("zuul.security.blockedAddresses", "10.0.0.1/8", "has host bits set", "10.4.0.0/16"),
    ],
)
def test_refuses_what_is_no_property_or_no_value(
    name: str, value: object, what: str, fix: str
) -> None:
    with pytest.raises(DemoError) as caught:
        check_edge_property(name, value, vips=VIPS, where="PUT")
    assert what in caught.value.what
    assert fix in caught.value.fix
    assert caught.value.where.startswith("PUT")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("zuul.route.a", "/play -> api"),
        ("zuul.shedding.startPercent", 0),
        ("zuul.filter.shed_load.disabled", True),
        ("zuul.security.blockedAddresses", ""),
        ("zuul.gzip.enabled", None),
    ],
)
def test_takes_what_is(name: str, value: object) -> None:
    assert check_edge_property(name, value, vips=VIPS, where="", may_be_null=True) == value


def test_there_are_only_so_many_rules() -> None:
    check_together({f"zuul.route.r{n}": "" for n in range(32)}, where="PUT")
    with pytest.raises(DemoError, match="33 routing rules"):
        check_together({f"zuul.route.r{n}": "" for n in range(33)}, where="PUT")
