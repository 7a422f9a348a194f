"""Ingest: new series, known series, and the hour that queries read; checked before it counts."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException

import numpy as np

from tests.bench.store.dataset import CPU, STEP_S, Dataset, Floats, Ints
from tests.bench.store.row import Measured, Row
from tests.bench.store.servers import BenchmarkFailed, Server
from tests.bench.store.wire import AtlasWire, Window

WARM_STEPS = 6
_BATCH_SIZE = 5_000
_CONNECTIONS = 2
_VISIBLE_S_MAX = 120
_POLL_S = 0.02


@dataclass(slots=True)
class _Rounds:
    """What sending a step took, a number for each step of known series."""

    seconds: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)


class Sender:
    """Sends steps of a dataset to one server; what does not change of a series is kept."""

    def __init__(self, server: Server, data: Dataset) -> None:
        self.server, self.data = server, data
        self._prefixes = [server.wire.prefix(tags) for tags in data.tags()]

    def bodies(self, step: int, values: Floats, rows: Ints | None = None) -> list[bytes]:
        """The bodies of a step, of all rows or of some."""
        rows = np.arange(self.data.series_count) if rows is None else rows
        flat, time_s = values.ravel(), self.data.time_s(step)
        return [
            self.server.wire.body(
                [self._prefixes[row] for row in batch.tolist()], time_s, flat[batch].tolist()
            )
            for batch in _batches(rows)
        ]

    def send(self, bodies: Sequence[bytes]) -> float:
        """Publish bodies; answers the seconds until the last was taken."""
        return send(self.server, bodies)


def _batches(rows: Ints) -> Iterator[Ints]:
    for start in range(0, len(rows), _BATCH_SIZE):
        yield rows[start : start + _BATCH_SIZE]


def send(server: Server, bodies: Sequence[bytes]) -> float:
    """Publish each body once over a few connections; answers the seconds that took.

    Raises BenchmarkFailed if one is refused.
    """
    todo, lock, refused = iter(bodies), threading.Lock(), list[str]()

    def work() -> None:
        connection = server.connect()
        while not refused:
            with lock:
                body = next(todo, None)
            if body is None:
                break
            try:
                connection.request(
                    "POST", server.wire.publish_path, body, dict(server.wire.headers)
                )
                answer = connection.getresponse()
                said = answer.read()
            except (OSError, HTTPException) as error:
                refused.append(repr(error))
                break
            if answer.status not in (200, 204):
                refused.append(f"{answer.status} {said[:300]!r}")
        connection.close()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(_CONNECTIONS)]
    began_s = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if refused:
        raise BenchmarkFailed(f"{server.name} refuses a batch: {refused[0]}")
    return time.perf_counter() - began_s


def load(servers: Sequence[Server], data: Dataset) -> list[Row]:
    """Send every step to every server, in turns."""
    senders = [Sender(server, data) for server in servers]
    rows = _new_series(senders)
    rows += _known_series(senders)
    rows_read = data.rows_read()
    for step in range(WARM_STEPS + 1, data.steps):
        values = data.values(step)
        for sender in senders:
            sender.send(sender.bodies(step, values, rows_read))
    for server in servers:
        wait_until_visible(server, data, data.steps - 1, len(rows_read))
    return rows


def _new_series(senders: Sequence[Sender]) -> list[Row]:
    cpu_s: dict[str, Measured] = {}
    visible_s: dict[str, Measured] = {}
    millions = senders[0].data.series_count / 1e6
    values = senders[0].data.values(0)
    for sender in senders:
        server, bodies = sender.server, sender.bodies(0, values)
        before_s = server.cpu_s()
        sender.send(bodies)
        waited_s = wait_until_visible(server, sender.data, 0, sender.data.series_count)
        used_s = server.cpu_s() - before_s
        cpu_s[server.name] = Measured.of([used_s / millions])
        visible_s[server.name] = Measured.of([waited_s])
    return [
        Row("new series until they answer", "CPU-s/M", cpu_s),
        Row("new series are visible after", "s", visible_s),
    ]


def _known_series(senders: Sequence[Sender]) -> list[Row]:
    data = senders[0].data
    rounds = {sender.server.name: _Rounds() for sender in senders}
    resident = {}
    for step in range(1, WARM_STEPS + 1):
        values = data.values(step)
        for sender in senders if step % 2 else senders[::-1]:
            bodies = sender.bodies(step, values)
            before_s = sender.server.cpu_s()
            seconds = sender.send(bodies)
            time.sleep(min(1.0, seconds / 4))  # what was only queued counts too
            rounds[sender.server.name].seconds.append(seconds)
            rounds[sender.server.name].cpu_s.append(sender.server.cpu_s() - before_s)
    for sender in senders:
        wait_until_visible(sender.server, data, WARM_STEPS, data.series_count)
        per_series = sender.server.resident_bytes() / data.series_count
        resident[sender.server.name] = Measured.of([per_series])
    return _ingest_rows(rounds, resident, data.series_count)


def _ingest_rows(
    rounds: dict[str, _Rounds], resident: dict[str, Measured], series_count: int
) -> list[Row]:
    millions = series_count / 1e6
    cpu_s = {n: Measured.of([s / millions for s in r.cpu_s]) for n, r in rounds.items()}
    speed = {
        name: Measured.of([series_count / s for s in r.seconds], at_least=True)
        for name, r in rounds.items()
    }
    return [
        Row("warm ingest", "CPU-s/M", cpu_s),
        Row("warm ingest", "datapoints/s", speed),
        Row("resident after warm ingest", "B/series", resident),
    ]


def wait_until_visible(server: Server, data: Dataset, step: int, series_count: int) -> float:
    """Wait until sum and number of series of a step are right; answers the seconds that took.

    Raises BenchmarkFailed if that does not come to be.
    """
    wanted_sum = float(data.values(step)[:, data.columns(CPU)].sum())
    wanted = wanted_sum, series_count
    began_s = time.perf_counter()
    found = math.nan, math.nan
    while time.perf_counter() - began_s < _VISIBLE_S_MAX:
        found_sum = _last_value(server, data, step, CPU, "sum")
        count = math.nan
        if math.isclose(found_sum, wanted_sum, rel_tol=1e-9):
            count = _last_value(server, data, step, "", "count")
        found = found_sum, count
        if count == series_count:
            return time.perf_counter() - began_s
        time.sleep(_POLL_S)
    raise BenchmarkFailed(f"{server.name} answers {found} where {wanted} is right (sum, series)")


def _last_value(server: Server, data: Dataset, step: int, name: str, function: str) -> float:
    """An aggregate of a name, or of everything, at a step; NaN while there is none."""
    end_s = data.time_s(step)
    if isinstance(server.wire, AtlasWire):
        program = f"name,{name},:eq,:{function}" if name else f":true,:{function}"
    else:
        label = name.replace(".", "_")
        program = f"{function}({label})" if name else f'{function}({{__name__=~".+"}})'
    answer = server.get(server.wire.graph_path(program, Window(end_s - STEP_S, end_s)))
    values = server.wire.last_values(answer)
    return values[0] if values else math.nan
