"""What is refused, with which exit code, and that the message says what, where and how to fix."""

from __future__ import annotations

import socket

import pytest

from tests.integration.bed import Bed, wait_for_event
from tests.integration.failures.documents import document
from tests.integration.observer.difference import settle, steady
from tests.integration.observer.snapshot import take

pytestmark = [pytest.mark.integration, pytest.mark.timeout(150)]

WRONG = {
    "misspelled fault": (("zone-outage", "zone-outrage"), ["zone-outrage", "zone-outage"]),
    "unknown key": (("title:", "titel:"), ["titel", "title"]),
    "unknown parameter": (("mode:", "moode:"), ["moode", "mode"]),
    "wrong unit": (("for: 4s", "for: 4 parsecs"), ["4 parsecs"]),
    "no unit": (("for: 4s", "for: 4"), ["4"]),
    "empty selection": (("us-east-1a", "us-east-1z"), ["us-east-1z"]),
    "impossible value": (("unreachable", "undead"), ["undead"]),
    "query that is none": ((":sum\n", ":summ\n"), [":summ"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_document_is_invalid_and_touches_nothing(bed: Bed, name: str) -> None:
    (old, new), words = WRONG[name]
    before = steady(bed.scope)
    text = document("unreachable")
    assert old in text
    said = bed.chaosctl("run", "--plain", bed.document(text.replace(old, new)))
    assert said.code == 2, said.text
    assert "fix" in said.text
    assert all(word in said.text for word in words), said.text
    assert settle(before, bed.scope, 1)[0] == []


def test_second_run_on_the_same_target_is_refused(bed: Bed) -> None:
    before, known = steady(bed.scope), bed.run_folders()
    first = bed.start("run", "--plain", bed.document(document("unreachable", for_s=30)))
    folder = wait_for_event(bed, known, ["watchdog"])
    second = bed.chaosctl("run", "--plain", bed.document(document("hang"), "second"))
    assert second.code == 3, second.text
    assert folder.name in second.text
    assert "fix" in second.text
    first.terminate()
    assert bed.finish(first).code == 143
    assert settle(before, bed.scope, 2)[0] == []


def test_baseline_that_does_not_hold_is_not_started(bed: Bed) -> None:
    text = document("unreachable").replace("at-least: 0,", "at-least: 100000,")
    said = bed.chaosctl("run", "--plain", bed.document(text))
    assert said.code == 3, said.text
    assert "something is measured" in said.text


def test_plan_without_a_platform_starts_nothing(fresh: Bed) -> None:
    before = take(fresh.scope)
    said = fresh.chaosctl("plan", "zone-outage")
    assert said.code == 0, said.text
    assert "us-east-1a" in said.text
    assert settle(before, fresh.scope, 1)[0] == []


def test_port_in_use_is_said(fresh: Bed) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = fresh.chaosctl("atlas", "serve", "--port", str(port), timeout_s=30)
    assert said.code in (2, 3), said.text
    assert str(port) in said.text
    assert "fix" in said.text


def test_store_that_is_not_there_is_said(bed: Bed) -> None:
    before = steady(bed.scope)
    store = f"unix:{bed.folder}/nowhere.sock"
    path = bed.document(document("unreachable"))
    said = bed.chaosctl("run", "--plain", "--store", store, path)
    assert said.code in (3, 4), said.text
    assert "nowhere.sock" in said.text
    assert settle(before, bed.scope, 1)[0] == []


def test_without_namespaces_only_process_faults(fresh: Bed) -> None:
    fresh.up("--size", "small", "--fabric", "loopback")
    before = take(fresh.scope)
    cut = fresh.chaosctl("run", "--plain", fresh.document(document("unreachable")))
    assert cut.code in (2, 3), cut.text
    assert "fix" in cut.text
    hang = fresh.chaosctl("run", "--plain", fresh.document(document("hang")))
    assert hang.code == 0, hang.text
    assert settle(before, fresh.scope, 2)[0] == []
