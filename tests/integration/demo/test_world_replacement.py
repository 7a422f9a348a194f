"""What dies is replaced in its zone, unless suspended; a broken service is backed off."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo_platform.fleet import LINGER_S
from tests.integration.demo.worlds import CRASHING, PLAIN, SMALL, World, world

pytestmark = pytest.mark.integration
RECS = [{"group": "recs-us-east-1", "zone": "us-east-1a"}]


@pytest.fixture(scope="module")
def small() -> Iterator[World]:
    with world("--size", "small", instances=PLAIN) as started:
        started.until_ready()
        yield started


def in_place(document: dict[str, Any], service: str, zone: str) -> dict[str, Any]:
    found = [
        instance
        for instance in (*document["instances"], *document["traffic"])
        if (instance["service"], instance["zone"]) == (service, zone)
    ]
    assert len(found) == 1
    return found[0]


def killed(of: World, service: str, zone: str) -> dict[str, Any]:
    victim = in_place(of.platform(), service, zone)
    os.kill(victim["pid"], 9)
    return victim


def replaced(of: World, victim: dict[str, Any]) -> dict[str, Any]:
    def is_replaced(document: dict[str, Any]) -> bool:
        now = in_place(document, victim["service"], victim["zone"])
        return now["id"] != victim["id"] and now["state"] == "up"

    document = of.until(is_replaced, within_s=15)
    return in_place(document, victim["service"], victim["zone"])


def test_killed_instance_is_replaced_in_its_zone(small: World) -> None:
    victim = killed(small, "recs", "us-east-1b")
    began_s = time.monotonic()
    successor = replaced(small, victim)
    print(f"replaced and registered after {time.monotonic() - began_s:.1f} s")
    assert successor["address"] != victim["address"]
    assert successor["link"] != victim["link"]
    assert successor["group"] == victim["group"]


@pytest.mark.parametrize(("service", "zone"), [("eureka", "us-east-1c"), ("viewers", "us-east-1")])
def test_whoever_is_known_by_address_keeps_it(small: World, service: str, zone: str) -> None:
    victim = killed(small, service, zone)
    assert replaced(small, victim)["address"] == victim["address"]
    small.until(lambda document: document["registered"] == SMALL, within_s=15)


def test_suspended_place_stays_empty_until_every_token_is_released(small: World) -> None:
    for token in ("one", "two"):
        assert small.ask("PUT", f"/v1/suspensions/{token}", {"groups": RECS})[0] == 200
    victim = killed(small, "recs", "us-east-1a")
    elsewhere = killed(small, "catalog", "us-east-1a")
    replaced(small, elsewhere)
    small.ask("DELETE", "/v1/suspensions/one")
    small.ask("DELETE", "/v1/suspensions/one")  # twice is as good as once
    time.sleep(1.5)
    still = in_place(small.platform(), "recs", "us-east-1a")
    assert (still["id"], still["state"]) == (victim["id"], "dead")
    assert small.platform()["suspensions"] == {"two": RECS}
    small.ask("DELETE", "/v1/suspensions/two")
    replaced(small, victim)
    assert small.platform()["suspensions"] == {}


def test_many_at_once_are_all_replaced(small: World) -> None:
    victims = [i for i in small.platform()["instances"] if i["zone"] == "us-east-1b"]
    for victim in victims:
        os.kill(victim["pid"], 9)
    for victim in victims:
        replaced(small, victim)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "what", "fix"),
    [
        ("PUT", "/v1/switches", {"retry-strom": True}, 400, "unknown switch", "'retry-storm'"),
        ("PUT", "/v1/switches", {"retry-storm": 1}, 400, "neither true nor false", "true"),
        ("PUT", "/v1/traffic", {"starts_per_second": -1}, 400, "not a rate", "30"),
        ("PUT", "/v1/traffic", ["x"], 400, "not an object", "object"),
        ("PUT", "/v1/suspensions/t", {"groups": 3}, 400, "not a list", "recs-us-east-1"),
        (
            "PUT",
            "/v1/suspensions/t",
            {"groups": [{"group": "rec-us-east-1", "zone": "us-east-1a"}]},
            400,
            "unknown group",
            "did you mean 'recs-us-east-1'",
        ),
        (
            "PUT",
            "/v1/suspensions/t",
            {"groups": [{"group": "recs-us-east-1", "zone": "us-east-1x"}]},
            400,
            "unknown zone",
            "us-east-1a",
        ),
        ("GET", "/v1/platfrom", None, 404, "no such resource", "/v1/platform"),
        ("GET", "/v1/down", None, 405, "GET is not possible", "POST"),
    ],
)
def test_mistakes_are_named(
    small: World, method: str, path: str, body: object, status: int, what: str, fix: str
) -> None:
    answered, answer = small.ask(method, path, body)
    assert answered == status
    assert what in answer["error"]["what"]
    assert fix in answer["error"]["fix"]
    assert answer["error"]["where"]


def test_crashing_service_is_backed_off_and_named() -> None:
    with world("--size", "small", instances=CRASHING) as started:
        document = started.until(lambda d: d["problems"] and d["registered"] == SMALL - 1)
        assert list(document["problems"]) == ["recs/us-east-1a/0"]
        assert "exited with code 1" in document["problems"]["recs/us-east-1a/0"]
        time.sleep(4)
        assert started.log().count("exited with code 1") <= 4
        assert started.platform()["state"] == "starting"


def test_namespaces_of_the_replaced_are_let_go(small: World) -> None:
    """Neither descriptors nor links pile up in the supervisor as instances come and go."""

    def namespaces_held() -> int:
        held = Path(f"/proc/{small.supervisor_pid()}/fd").iterdir()
        return sum(target_of(fd).startswith("net:") for fd in held)

    time.sleep(LINGER_S + 2)  # whatever the tests above had killed
    before = namespaces_held()
    for victim in [i for i in small.platform()["instances"] if i["zone"] == "us-east-1c"]:
        os.kill(victim["pid"], 9)
        replaced(small, victim)
    time.sleep(LINGER_S + 2)
    assert namespaces_held() == before == SMALL + 1  # and the viewers


def target_of(link: Path) -> str:
    """What a link of /proc points at; nothing if it was closed meanwhile."""
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""
