"""What a process' records are in its zone's file, and how the file stays small."""

from __future__ import annotations

import json
import logging
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chaosctl.demo_logs import last_entries
from demo_platform.topology import SIZES, Addresses, InstanceSpec, slots_of, spec_of
from demo_platform.tracing.span import Endpoint
from demo_platform.tracing.tracer import Tracer
from demo_platform.zone_log import LINES_PER_SECOND_MAX, ZoneFile, ZoneLog

SPEC: InstanceSpec = replace(
    spec_of(slots_of(SIZES["small"])[0], 0, Addresses(), seed=1), service="api", zone="us-east-1a"
)


class Scene:
    """A process with a log, and what is in the file."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.now_s = 100.0
        self.path = folder / "logs" / "us-east-1a.jsonl"
        self.log = ZoneLog(SPEC, ZoneFile(self.path, **options), now=lambda: self.now_s)
        self.logger = logging.Logger("test")
        self.logger.addHandler(self.log)

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_a_line_says_who_when_and_of_which_trace(scene: Scene) -> None:
    tracer = Tracer(Endpoint("api"), lambda _: None, random.Random(1))
    span = tracer.serve("play", {})
    scene.logger.warning("%s failed", "play", extra={"trace": span})
    (entry,) = scene.entries()
    assert entry.pop("time").endswith("Z")
    assert entry == {
        "level": "warning",
        "logger": "test",
        "message": "play failed",
        "service": "api",
        "instance": SPEC.id,
        "zone": "us-east-1a",
        "trace_id": span.trace_id,
        "span_id": span.id,
    }


def test_an_exception_is_told(scene: Scene) -> None:
    try:
        int("a bug")
    except ValueError:
        scene.logger.exception("oh")
    assert scene.entries()[0]["exception"].endswith("'a bug'")


def test_who_says_too_much_is_cut_short_and_says_so(scene: Scene) -> None:
    for number in range(LINES_PER_SECOND_MAX + 30):
        scene.logger.info("%d", number)
    assert len(scene.entries()) == LINES_PER_SECOND_MAX
    scene.now_s += 1.0
    scene.logger.info("again")
    scene.logger.info("and again")
    assert [entry.get("suppressed") for entry in scene.entries()[-2:]] == [30, None]


def test_a_full_file_makes_room_for_all_who_write_to_it(tmp_path: Path) -> None:
    scenes = [Scene(tmp_path, size_bytes_max=2000) for _ in range(3)]
    for number in range(300):
        for one in scenes:
            one.logger.info("%d", number)
            one.now_s += 1.0
    kept = sorted((tmp_path / "logs").iterdir())
    assert [path.name for path in kept] == ["us-east-1a.jsonl", "us-east-1a.old.jsonl"]
    assert all(path.stat().st_size < 3000 for path in kept)
    newest = [json.loads(line)["message"] for line in last_entries(tmp_path / "logs", {}, 3)]
    assert newest == ["299", "299", "299"]


def test_lines_are_found_by_what_they_say(scene: Scene) -> None:
    for number in range(5):
        scene.logger.info("%d", number)
    scene.path.with_name("b.jsonl").write_text('{"time":"2099","zone":"b"}\n{"time":"20')
    folder = scene.path.parent
    assert len(last_entries(folder, {"service": "api", "zone": ""}, 2)) == 2
    assert json.loads(last_entries(folder, {"service": "api"}, 1)[0])["message"] == "4"
    assert last_entries(folder, {"zone": "b"}, 9) == ['{"time":"2099","zone":"b"}']
    assert last_entries(folder, {"zone": "nowhere"}, 9) == []
