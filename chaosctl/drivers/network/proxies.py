"""Network faults where every registered address is a Toxiproxy's: undo records made real by toxics.

For platforms without network namespaces. A toxic carries the undo record's id in its name, so that
undo takes off its own and no other, whoever is still there to ask. Where the server knows leases
(ours does) each toxic ends by itself at the record's deadline; the original's are taken off by the
run, or by its watchdog.

A proxy stands before the instance that is asked and does not know who asks. So a cut is one from
everybody, of what comes in and of its answers; and it moves bytes, not packets: none can be lost.
"""

from __future__ import annotations

import http.client
import json
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any
from urllib.parse import urlsplit

from monkeys.errors import TargetFailed
from monkeys.target import Instance, Lack, UndoRecord

ASK_WITHIN_S = 5.0
EVERYBODY = ["0.0.0.0/0"]
BY_BYTES = frozenset({"delay_ms", "jitter_ms", "rate_kbit"})
"""What can be wrong with a link, of all that a record may say, without packets."""

_QUESTION = b"GET /healthcheck HTTP/1.0\r\n\r\n"
_FIX = "`chaosctl doctor` says what the kernel wants for network namespaces"

Toxic = dict[str, Any]


class Unasked(TargetFailed):
    """The server of the proxies does not answer."""


def api_of(record: UndoRecord) -> str:
    """URL of the proxies before the record's instances; empty where there are none."""
    return str(record.instances[0].handle.get("faults_api", "")) if record.instances else ""


def impair(record: UndoRecord, now_ms: int) -> None:
    """Hold what the instances answer, or let it through slowly."""
    wrong = {name for name, value in record.detail.items() if value} - BY_BYTES
    if wrong:
        raise no_packets()
    detail, toxics = record.detail, []
    if detail.get("delay_ms"):
        late = {"latency": round(detail["delay_ms"]), "jitter": round(detail.get("jitter_ms", 0))}
        toxics.append({"type": "latency", "stream": "downstream", "attributes": late})
    if detail.get("rate_kbit"):
        slow = {"rate": max(1, round(detail["rate_kbit"] / 8))}
        toxics += [
            {"type": "bandwidth", "stream": stream, "attributes": slow}
            for stream in ("downstream", "upstream")
        ]
    _add(record, toxics, now_ms)


def cut(record: UndoRecord, now_ms: int) -> None:
    """Let nothing pass that comes to the instances, nor what they answer."""
    if record.detail.get("prefixes") != EVERYBODY:
        raise no_origin()
    streams = {"both": ("downstream", "upstream"), "in": ("upstream",), "out": ("downstream",)}
    silent: Toxic = {"type": "timeout", "attributes": {"timeout": 0}}
    toxics = [silent | {"stream": stream} for stream in streams[record.detail["direction"]]]
    _add(record, toxics, now_ms)


def mend(record: UndoRecord, *, is_up: Callable[[Mapping[str, Any]], bool]) -> None:
    """Take off every toxic of the record; a world that is gone has taken them along.

    is_up: whether the world of an instance's handle is still there.
    """
    try:
        _take_off(api_of(record), _prefix(record))
    except Unasked:
        if is_up(record.instances[0].handle):
            raise


def _take_off(server: str, prefix: str) -> None:
    for name, proxy in _ask(server, "GET", "/proxies").items():
        for toxic in proxy["toxics"]:
            if toxic["name"].startswith(prefix):
                _ask(server, "DELETE", f"/proxies/{name}/toxics/{toxic['name']}", gone_is_fine=True)


def lack(server: str) -> Lack | None:
    """Why nothing can be done with a server; None if it answers."""
    try:
        _ask(server, "GET", "/version")
    except Unasked as error:
        return Lack(error.what, error.fix)
    return None


def probe(places: Sequence[tuple[str, int]], *, timeout_ms: float) -> list[float | None]:
    """Time in ms until each (address, port) answers a question, None if it does not in time.

    To connect is not enough: it is the proxy that accepts. A connection that is reset is an answer
    too: the way is free, and nobody is at its end. If any does not answer, this takes the whole
    time, so that missed probes are as far apart as was said.
    """
    began_s = time.monotonic()
    ends_s = began_s + timeout_ms / 1000
    answers: list[float | None] = [None] * len(places)
    poller = select.poll()
    waiting: dict[int, tuple[int, socket.socket]] = {}
    for index, place in enumerate(places):
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.setblocking(False)
        connection.connect_ex(place)
        waiting[connection.fileno()] = index, connection
        poller.register(connection, select.POLLOUT)
    while waiting and (left_s := ends_s - time.monotonic()) > 0:
        for fd, _ in poller.poll(left_s * 1000):
            index, connection = waiting[fd]
            if _is_answered(connection, poller):
                answers[index] = (time.monotonic() - began_s) * 1000
                poller.unregister(fd)
                waiting.pop(fd)
                connection.close()
    for _, connection in waiting.values():
        connection.close()
    if None in answers:
        time.sleep(max(0.0, ends_s - time.monotonic()))
    return answers


def _is_answered(connection: socket.socket, poller: select.poll) -> bool:
    """Ask, once connected; then whether there is an answer, or the end."""
    try:
        with suppress(BlockingIOError):
            connection.recv(1)
            return True
        connection.send(_QUESTION)
    except OSError:  # refused or reset: it is the host that says so
        return True
    poller.modify(connection, select.POLLIN)
    return False


def _add(record: UndoRecord, toxics: Sequence[Toxic], now_ms: int) -> None:
    """Put the toxics on every proxy of every instance, until the record's deadline."""
    left_ms = record.deadline_ms - now_ms
    if left_ms <= 0:
        raise TargetFailed(
            "its deadline has passed before it was injected",
            where=record.fault,
            fix="run it again; `chaosctl status` shows all",
        )
    server = api_of(record)
    lease = {"lease_ms": left_ms} if _ask(server, "GET", "/version").get("leases") else {}
    there = _ask(server, "GET", "/proxies")
    for instance in record.instances:
        names = list(_proxies_of(instance, there))
        if not names:
            raise TargetFailed(
                f"instance {instance.id!r} has no proxy any more",
                where=record.fault,
                fix="run it again: the platform replaces what dies",
            )
        for name in names:
            taken = {toxic["name"] for toxic in there[name]["toxics"]}
            for number, toxic in enumerate(toxics):
                called = f"{_prefix(record)}{number}"
                if called not in taken:
                    body = toxic | lease | {"name": called}
                    _ask(server, "POST", f"/proxies/{name}/toxics", body)


def _proxies_of(instance: Instance, there: Mapping[str, Any]) -> Iterator[str]:
    """Those that are called as the instance, or as it and a port."""
    return (name for name in there if name.partition(":")[0] == instance.id)


def _prefix(record: UndoRecord) -> str:
    return f"chaosctl.{record.id}."


def _ask(
    server: str, method: str, path: str, body: Toxic | None = None, *, gone_is_fine: bool = False
) -> dict[str, Any]:
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=ASK_WITHIN_S)
    try:
        with closing(connection):
            connection.request(method, path, None if body is None else json.dumps(body))
            reply = connection.getresponse()
            said = reply.read()
        document: dict[str, Any] = json.loads(said) if said else {}
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unasked(
            f"the fault proxy does not answer: {error or type(error).__name__}",
            where=server,
            fix="`chaosctl demo down`, then `chaosctl demo up`",
        ) from error
    if reply.status >= 400 and not (gone_is_fine and reply.status == 404):
        raise TargetFailed(
            f"the fault proxy refuses: {document.get('error', reply.reason)}",
            where=f"{method} {server}{path}",
            fix="run it again; `chaosctl status` shows all",
        )
    return document


def no_origin() -> TargetFailed:
    """A proxy does not know who asks: nothing can be done to some of them, or seen from there."""
    return _impossible("an instance cannot be cut off from some and not from others")


def no_links() -> TargetFailed:
    """A proxy outlives who is behind it, and resets in its name."""
    return _impossible("a host cannot be lost without a word")


def no_packets() -> TargetFailed:
    """A proxy moves bytes."""
    return _impossible("packets cannot be lost or changed")


def _impossible(what: str) -> TargetFailed:
    return TargetFailed(
        f"{what}: the platform's network is made of fault proxies", where="demo", fix=_FIX
    )
