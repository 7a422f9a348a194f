"""Chaos Toolkit documents, run as they are: five whole ones, and what their home ends with 0."""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = ROOT / "tests/data/chaostoolkit"
TOKEN = "s3cr3t-of-the-keeper"
AT_ONCE = 6
SEEN_SECONDS_MAX = 120  # on a busy machine

pytestmark = pytest.mark.integration


@dataclass(slots=True)
class Ended:
    """How a run ended: exit code, output, its result, and all that its folders hold."""

    code: int
    text: str
    result: dict[str, Any]
    kept: str


@dataclass(frozen=True, slots=True)
class Case:
    """A document, how it is run, and how that ends. press: a signal once the fault is in."""

    document: dict[str, Any]
    code: int
    says: str
    options: tuple[str, ...] = ()
    press: int = 0
    without: tuple[str, ...] = ()
    left: tuple[str, ...] = ("well",)


def shell(script: str, **more: Any) -> dict[str, Any]:
    return {"provider": {"type": "process", "path": "sh", "arguments": ["-c", script]}, **more}


def action(name: str, script: str, **more: Any) -> dict[str, Any]:
    return {"type": "action", "name": name, "timeout": 20, **shell(script), **more}


def probe(name: str, script: str, tolerance: Any = 0, **more: Any) -> dict[str, Any]:
    given = {"type": "probe", "name": name, "tolerance": tolerance, "timeout": 10, **shell(script)}
    return {**given, **more}


BREAK = action("break it", "touch ${folder}/broken", pauses={"after": 1})
SEEN = probe("it is broken", "test -e ${folder}/broken")
MEND = action("mend it", "test ${token} = $SHOP_TOKEN && rm -f ${folder}/broken")
WELL = probe("all is well", "test -e ${folder}/well")
HANG = {
    "type": "python",
    "module": "subprocess",
    "func": "getoutput",
    "arguments": {"cmd": "sleep 60"},
}
PLAIN: dict[str, Any] = {
    "title": "It is broken and mended",
    "description": "A file stands for the fault.",
    "configuration": {"folder": {"type": "env", "key": "SHOP_FOLDER"}},
    "secrets": {"keeper": {"token": {"type": "env", "key": "SHOP_TOKEN"}}},
    "extensions": [{"name": "chaosctl", "baseline": "1s", "recovery": "3s"}],
    "steady-state-hypothesis": {"title": "all is well", "probes": [WELL]},
    "method": [BREAK, SEEN],
    "rollbacks": [MEND],
}


def but(**changes: Any) -> dict[str, Any]:
    changed = {**deepcopy(PLAIN), **{k.replace("_", "-"): v for k, v in changes.items()}}
    return {key: value for key, value in changed.items() if value is not None}


def hypothesis(*probes: dict[str, Any]) -> dict[str, Any]:
    return {"title": "h", "probes": list(probes)}


NAN = {"type": "range", "range": [0, 9], "target": "stdout"}
FLICKER = action(
    "break it", "touch ${folder}/broken; rm ${folder}/well; sleep 3; touch ${folder}/well"
)
THROUGHOUT = {"hypothesis": {"strategy": "continuously"}}
RAISES = {"type": "python", "module": "json", "func": "loads", "arguments": {"s": "{"}}

CASES = {
    "all is well": Case(PLAIN, 0, "the hypothesis held before and during the fault"),
    # The situations in which the home of these documents ends with 0.
    "sick before": Case(PLAIN, 3, "all is well", without=("well",), left=()),
    "NaN is never tolerated": Case(
        but(steady_state_hypothesis=hypothesis(probe("rate", "echo nan", NAN))), 3, "rate"
    ),
    "action raises": Case(
        but(method=[{**action("hit", ""), "provider": RAISES}, SEEN]), 4, "action 'hit'"
    ),
    "action ends with 1": Case(but(method=[action("hit", "exit 1"), SEEN]), 4, "status 1"),
    "action takes too long": Case(
        but(method=[action("hit", "sleep 30", timeout=1), SEEN]), 4, "did not end within 1 s"
    ),
    "rollback fails": Case(
        but(rollbacks=[action("mend it", "echo ${token} is wrong; exit 1"), MEND]),
        6,
        "rollback 'mend it'",
    ),
    "hypothesis misspelt": Case(
        but(steady_state_hypothesis=None, steady_state_hypotesis=hypothesis(WELL)),
        2,
        "did you mean 'steady-state-hypothesis'?",
    ),
    "rollbacks misspelt": Case(
        but(rollbacks=None, rollback=[MEND]), 2, "did you mean 'rollbacks'?"
    ),
    "Ctrl-C": Case(
        but(method=[BREAK, SEEN, action("wait", "sleep 60", timeout=100)]), 130, "SIGINT", press=2
    ),
    "SIGTERM in a function": Case(
        but(method=[BREAK, SEEN, {**action("wait", "", timeout=100), "provider": HANG}]),
        143,
        "SIGTERM",
        press=15,
    ),
    "broken, but healed before the end": Case(
        but(method=[FLICKER, SEEN], runtime=THROUGHOUT), 1, "all is well"
    ),
    # What is said of actions and rollbacks that nobody sees.
    "killed": Case(
        but(method=[BREAK, SEEN, action("wait", "sleep 60", timeout=100)]),
        -9,
        "",
        press=signal.SIGKILL,
    ),
    "broken at the end": Case(
        but(
            method=[
                action("break it", "touch ${folder}/broken; mv ${folder}/well ${folder}/was"),
                SEEN,
            ],
            rollbacks=[MEND, action("well again", "mv ${folder}/was ${folder}/well")],
        ),
        1,
        "all is well",
    ),
    "strategy default does not look in between": Case(but(method=[FLICKER, SEEN]), 0, "held"),
    "nothing observes": Case(but(method=[BREAK]), 4, "nothing in the document shows 'break it'"),
    "trusted": Case(
        but(method=[BREAK]), 0, "trusted, not seen: 'break it'", options=("--trust-actions",)
    ),
    "observer held before": Case(
        but(method=[BREAK, probe("always", "true")]), 4, "nothing in the document shows"
    ),
    "observer does not see it": Case(
        but(method=[action("hit", "true"), SEEN]), 4, "'it is broken' does not see it"
    ),
    "still shown after the rollbacks": Case(
        but(rollbacks=[action("mend it", "true")]), 6, "it may still be in", left=("well", "broken")
    ),
    "no hypothesis": Case(but(steady_state_hypothesis=None), 4, "has no hypothesis"),
    "secret in the document": Case(but(secrets={"keeper": {"token": TOKEN}}), 0, "held"),
    "variable not set": Case(
        but(configuration={"folder": {"type": "env", "key": "SHOP_NOWHERE"}}),
        3,
        "environment variable SHOP_NOWHERE is not set",
    ),
}


@dataclass(slots=True)
class Place:
    """Folders of one run."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("shop", "state", "run", "locks"):
            (self.folder / name).mkdir(parents=True)
        self.environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{ROOT / 'targets/demo-platform'}",
            "SHOP_FOLDER": str(self.shop),
            "SHOP_TOKEN": TOKEN,
            "CHAOSCTL_STATE_DIR": str(self.folder / "state"),
            "CHAOSCTL_RUNTIME_DIR": str(self.folder / "run"),
            "CHAOSCTL_LOCK_DIR": str(self.folder / "locks"),
            "CI": "true",
        }

    @property
    def shop(self) -> Path:
        return self.folder / "shop"

    def run(self, document: Path, *options: str, press: int = 0) -> Ended:
        """Run it to its end, pressing a signal once the fault was seen."""
        command = [sys.executable, "-m", "chaosctl", "run", str(document), "--yes", *options]
        process = subprocess.Popen(
            command,
            cwd=self.shop,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            if press:
                wait_until(lambda: '"event":"confirm"' in self.journal(), SEEN_SECONDS_MAX)
                time.sleep(1.5)  # into the activity that waits
                process.send_signal(press)
            text, _ = process.communicate(timeout=240)
        finally:
            process.kill()
        if press == signal.SIGKILL:
            wait_until(lambda: '"event":"verdict"' in self.journal(), SEEN_SECONDS_MAX)
        results = list((self.folder / "state").glob("runs/*/result.json"))
        result = json.loads(results[0].read_text()) if results else {}
        kept = text + "".join(
            path.read_text(errors="replace")
            for path in (self.folder / "state").rglob("*")
            if path.is_file()
        )
        return Ended(process.returncode, text, result, kept)

    def journal(self) -> str:
        found = list((self.folder / "state").glob("runs/*/journal.jsonl"))
        return found[0].read_text() if found else ""


def wait_until(is_so, within_s: float) -> None:
    until = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.1)


def run_case(case: Case, folder: Path) -> tuple[Ended, list[str]]:
    place = Place(folder)
    (place.shop / "well").touch()
    for name in case.without:
        (place.shop / name).unlink()
    document = folder / "document.json"
    document.write_text(json.dumps(case.document))
    ended = place.run(document, *case.options, press=case.press)
    return ended, sorted(path.name for path in place.shop.iterdir())


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory, request) -> Iterator[dict[str, Future[tuple[Ended, list[str]]]]]:
    """All cases that are wanted, some at once: they wait most of the time."""
    chosen = [getattr(item, "callspec", None) for item in request.session.items]
    wanted = {spec.params.get("name") for spec in chosen if spec} | {"killed", "trusted"}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            name: pool.submit(run_case, case, tmp_path_factory.mktemp("toolkit") / "bed")
            for name, case in CASES.items()
            if name in wanted
        }


@pytest.mark.parametrize("name", CASES)
def test_situation_ends_with_its_code_and_nothing_is_left(name, outcomes):
    case = CASES[name]
    ended, left = outcomes[name].result(timeout=400)
    assert (ended.code, ended.text) == (case.code, ended.text)
    assert case.says in ended.text
    assert left == sorted(case.left)
    assert TOKEN not in ended.kept


def test_a_killed_run_is_undone_by_its_watchdog(outcomes):
    ended, _ = outcomes["killed"].result(timeout=400)
    assert ended.result["verdict"] == "aborted"
    assert ended.result["undo"] == "clean"


def test_the_result_says_what_was_trusted(outcomes):
    ended, _ = outcomes["trusted"].result(timeout=400)
    assert ended.result["detail"]["trusted"] == ["break it"]


class Shop(http.server.BaseHTTPRequestHandler):
    """A shop that a keeper can close."""

    is_open = True

    def do_GET(self) -> None:
        word = "open" if Shop.is_open else "closed"
        shelf = {"shelf": [{"name": "milk", "count": 3}, {"name": "bread", "count": 12}]}
        is_fine = Shop.is_open or self.path != "/health"
        self._answer(200 if is_fine else 503, {"status": word, **shelf})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers["X-Token"] != TOKEN:
            self._answer(403, {"error": f"not with {self.headers['X-Token']}"})
            return
        Shop.is_open = self.path == "/open"
        self._answer(200, {"token": TOKEN})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def place(tmp_path):
    """A shop: its stock, a till that is a real process, and its address."""
    place = Place(tmp_path / "bed")
    (place.shop / "stock").write_text("12")
    till = subprocess.Popen(["sleep", "300"])
    (place.shop / "till.pid").write_text(str(till.pid))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place.environment["SHOP_ADDRESS"] = f"http://127.0.0.1:{server.server_port}"
    yield place
    server.shutdown()
    assert till.poll() is None
    state = Path(f"/proc/{till.pid}/stat").read_text().rpartition(")")[2].split()[0]
    till.kill()
    till.wait()
    assert state != "T"


WHOLE = {
    "till-stops.yaml": ((), 0, "the hypothesis held before and during the fault"),
    "shop-refuses.json": ((), 1, "shop answers"),
    "stock-runs-low.yaml": ((), 0, "the hypothesis held before and during the fault"),
    "cache-is-dropped.json": (("--trust-actions",), 0, "trusted, not seen: 'drop the cache'"),
    "only-looks.yaml": ((), 4, "the method has no action"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_document_runs_as_it_is(name, place):
    options, code, says = WHOLE[name]
    ended = place.run(DOCUMENTS / name, *options)
    assert (ended.code, ended.text) == (code, ended.text)
    assert says in ended.text
    assert TOKEN not in ended.kept
    assert (place.shop / "stock").read_text() == "12"
    assert Shop.is_open


def test_two_documents_that_name_one_target_never_run_at_once(place):
    document = DOCUMENTS / "till-stops.yaml"
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda _: place.run(document), range(2)))
    assert sorted(one.code for one in ended) == [0, 3]
