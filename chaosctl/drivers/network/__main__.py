"""The helper: enters a world's namespaces and does there what it is asked, a line at a time.

`python -m chaosctl.drivers.network`; requests and answers are JSON lines on stdin and stdout:

    {"id": 1, "op": "cut", "world": {"pid": …, "ticks": …}, …}
    {"id": 1, "result": {…}}  or  {"id": 1, "error": {"kind": "denied", "what": "…"}}

It has one thread, because only such a process may enter a user namespace, and ends when its stdin
does. The splices it starts outlive it.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from pyroute2.netlink.exceptions import NetlinkError

from chaosctl.drivers.network import (
    answerers,
    caching,
    dates,
    links,
    name_tables,
    nft,
    pages,
    presses,
    splices,
)
from chaosctl.drivers.network.echoing import echo
from chaosctl.drivers.network.namespaces import Denied, Door, Gone, OtherWorld, Place
from chaosctl.drivers.network.probing import probe
from chaosctl.drivers.network.resolving import resolve

_CACHE_TIMEOUT_S = 1.0
_DATE_TIMEOUT_S = _PAGE_TIMEOUT_S = 1.0

_FAILURES = (answerers.AnswererFailed, caching.NoCache, presses.PressFailed, splices.SpliceFailed)

Request = dict[str, Any]
Operation = Callable[[Door, Request], dict[str, Any]]


def main() -> int:
    """Serve until stdin ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a splice that ends leaves no zombie
    serve(sys.stdin.buffer, sys.stdout.buffer)
    return 0


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer each request in turn."""
    door = Door()
    for line in requests:
        request = json.loads(line)
        answer = {"id": request["id"], **_answer(door, request)}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def _answer(door: Door, request: Request) -> dict[str, Any]:
    try:
        if "world" in request:
            door.enter_world(_place(request["world"]))
        return {"result": OPERATIONS[request["op"]](door, request)}
    except Gone:
        return _error("gone", "the process is gone")
    except OtherWorld:
        return _error("other-world", "this helper serves another world")
    except Denied as error:
        return _error("denied", str(error))
    except (NetlinkError, OSError, links.LinkTaken, *_FAILURES) as error:
        return _error("failed", str(error))


def _error(kind: str, what: str) -> dict[str, Any]:
    return {"error": {"kind": kind, "what": what}}


def _place(data: dict[str, int]) -> Place:
    return Place(data["pid"], data["ticks"])


def _enter(_: Door, __: Request) -> dict[str, Any]:
    return {}


def _cut(door: Door, request: Request) -> dict[str, Any]:
    """In each place: drop prefixes for for_ms. `gone` are the places whose process is no more."""

    def cut() -> None:
        nft.cut(request["record"], request["prefixes"], request["direction"], request["for_ms"])

    return _in_each(door, request, cut)


def _uncut(door: Door, request: Request) -> dict[str, Any]:
    """In each place: delete the record's table; go on to the next whatever happens in one."""
    return _in_each(door, request, lambda: nft.uncut(request["record"]))


def _silence(door: Door, request: Request) -> dict[str, Any]:
    """In each place: let no question about names in, and no answer, for for_ms."""
    record, for_ms = request["record"], request["for_ms"]
    return _in_each(door, request, lambda: name_tables.silence(record, for_ms))


def _answer_names(door: Door, request: Request) -> dict[str, Any]:
    world = _place(request["world"])
    orders = {**request["orders"], "world_pid": world.pid, "world_ticks": world.ticks}
    with door.network_of(world):
        return {"pid": answerers.start(request["record"], orders)}


def _unanswer(door: Door, request: Request) -> dict[str, Any]:
    answerers.stop(request["record"])
    return _uncut(door, request)


def _resolve(door: Door, request: Request) -> dict[str, Any]:
    wanted = [(_place(each), each["name"], each["server"]) for each in request["wanted"]]
    return {"resolutions": resolve(door, _place(request["world"]), wanted, request["within_s"])}


def _in_each(door: Door, request: Request, act: Callable[[], object]) -> dict[str, Any]:
    done: list[str] = []
    gone: list[str] = []
    failed: dict[str, str] = {}
    for place in request["places"]:
        try:
            with door.network_of(_place(place)):
                act()
            done.append(place["id"])
        except Gone:
            gone.append(place["id"])
        except (NetlinkError, Denied) as error:
            failed[place["id"]] = str(error)
    return {"done": done, "gone": gone, "failed": failed}


def _probe(door: Door, request: Request) -> dict[str, Any]:
    addresses = [(each["address"], each["port"]) for each in request["addresses"]]
    with door.network_of(_place(request["origin"])):
        return {"answers": probe(addresses, timeout_ms=request["timeout_ms"])}


def _echo(door: Door, request: Request) -> dict[str, Any]:
    how = {name: request[name] for name in ("count", "size_bytes", "timeout_ms")}
    with door.network_of(_place(request["world"])):
        return {"answers": echo(request["addresses"], **how)}


def _splice(door: Door, request: Request) -> dict[str, Any]:
    world = _place(request["world"])
    orders = {**request["orders"], "world_pid": world.pid, "world_ticks": world.ticks}
    with door.network_of(world):
        return {"pid": splices.start(request["record"], orders)}


def _unsplice(door: Door, request: Request) -> dict[str, Any]:
    with door.network_of(_place(request["world"])):
        return {"links": splices.stop(request["record"])}


def _unlink(door: Door, request: Request) -> dict[str, Any]:
    with door.network_of(_place(request["world"])), links.opened() as netlink:
        return {"links": [name for name in request["links"] if links.delete(netlink, name)]}


def _missing(door: Door, request: Request) -> dict[str, Any]:
    """Which of these links are not there."""
    with door.network_of(_place(request["world"])), links.opened() as netlink:
        return {"links": [name for name in request["links"] if not links.exists(netlink, name)]}


def _flush(door: Door, request: Request) -> dict[str, Any]:
    with door.network_of(_place(request["world"])):
        caching.flush(_addresses(request), _CACHE_TIMEOUT_S)
    return {}


def _flush_counts(door: Door, request: Request) -> dict[str, Any]:
    with door.network_of(_place(request["world"])):
        return {"counts": caching.flush_counts(_addresses(request), _CACHE_TIMEOUT_S)}


def _clocks(door: Door, request: Request) -> dict[str, Any]:
    with door.network_of(_place(request["world"])):
        return {"ahead_s": dates.ahead_s(_addresses(request), _DATE_TIMEOUT_S)}


def _press(door: Door, request: Request) -> dict[str, Any]:
    world = _place(request["world"])
    orders = {**request["orders"], "world_pid": world.pid, "world_ticks": world.ticks}
    with door.network_of(world):
        return {"pid": presses.start(request["record"], orders)}


def _asked(door: Door, request: Request) -> dict[str, Any]:
    with door.network_of(_place(request["world"])):
        addresses, counts = _addresses(request), request["counts"]
        return {"per_second": presses.per_second(addresses, counts, _PAGE_TIMEOUT_S)}


def _pages(door: Door, request: Request) -> dict[str, Any]:
    with door.network_of(_place(request["world"])):
        addresses, path = _addresses(request), request["path"]
        return {"pages": pages.read(addresses, path, request["headers"], _PAGE_TIMEOUT_S)}


def _addresses(request: Request) -> list[tuple[str, int]]:
    return [(address, port) for address, port in request["addresses"]]


def _inspect(door: Door, request: Request) -> dict[str, Any]:
    """What records have left: tables by place, and marked links of the world's root."""
    tables = {}
    for place in request["places"]:
        with door.network_of(_place(place)):
            tables[place["id"]] = nft.tables()
    with door.network_of(_place(request["world"])), links.opened() as netlink:
        return {"tables": tables, "links": links.marked(netlink)}


OPERATIONS: dict[str, Operation] = {
    "answer": _answer_names,
    "asked": _asked,
    "clocks": _clocks,
    "cut": _cut,
    "echo": _echo,
    "enter": _enter,
    "flush": _flush,
    "flush_counts": _flush_counts,
    "inspect": _inspect,
    "missing": _missing,
    "pages": _pages,
    "press": _press,
    "probe": _probe,
    "resolve": _resolve,
    "silence": _silence,
    "splice": _splice,
    "unanswer": _unanswer,
    "uncut": _uncut,
    "unlink": _unlink,
    "unsplice": _unsplice,
}

if __name__ == "__main__":
    sys.exit(main())
