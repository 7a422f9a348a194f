"""An Atlas store as the source of samples: over a Unix socket (`unix:PATH`) or HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from atlas.client import AtlasClient
from atlas.errors import AtlasError, StoreUnreachable
from atlas.model import TimeSeries
from chaosctl.errors import ChaosctlError, StoreSilent

TIMEOUT_S = 2.0
STEP_MS = 1000


class AtlasStore:
    """Asks a store for lines. Holds nothing open, so it may be shared between threads."""

    def __init__(self, address: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """address: `http://HOST:PORT` or `unix:PATH`. Raises ChaosctlError if it is neither."""
        self.address = address
        self._clock = clock
        self._client(TIMEOUT_S)  # says at once if the address cannot be one

    def fetch(
        self, queries: Sequence[str], start_ms: int, end_ms: int, timeout_s: float = TIMEOUT_S
    ) -> Mapping[str, Mapping[int, float]]:
        """Values by query and step end, for the steps in (start_ms, end_ms]; gaps left out.

        All queries together take no longer than timeout_s. Raises StoreSilent if the store does
        not answer in time, ChaosctlError if it refuses a query or a query gives several lines.
        """
        until = self._clock() + timeout_s
        return {q: self._one_line(q, start_ms, end_ms, until) for q in dict.fromkeys(queries)}

    def lines(
        self,
        query: str,
        start_ms: int,
        end_ms: int,
        *,
        step_ms: int = STEP_MS,
        timeout_s: float = TIMEOUT_S,
    ) -> list[TimeSeries]:
        """Every line of a query, for the steps in (start_ms, end_ms]. Raises as `fetch` does."""
        with _said_as_ours(self.address, query):
            return self._client(timeout_s).fetch(query, start_ms, end_ms, step_ms)

    def keys(self, query: str) -> list[str]:
        """Tag keys that the series of a query have. Raises as `fetch` does."""
        return self.tags(None, query)

    def tags(self, key: str | None, query: str | None) -> list[str]:
        """Tag keys, or the values of a key, of the series of a query. Raises as `fetch` does."""
        with _said_as_ours(self.address, query or ""):
            return self._client(TIMEOUT_S).tags(key, query)

    def check(self, timeout_s: float = TIMEOUT_S) -> None:
        """Raises StoreSilent unless the store answers and is well."""
        with _said_as_ours(self.address, ""):
            self._client(timeout_s).health()

    def facts(self, timeout_s: float = TIMEOUT_S) -> dict[str, float]:
        """What the store says of itself, by name and labels. Raises as `fetch` does."""
        with _said_as_ours(self.address, ""):
            return self._client(timeout_s).metrics()

    def _one_line(self, query: str, start_ms: int, end_ms: int, until: float) -> dict[int, float]:
        left_s = until - self._clock()
        if left_s <= 0:
            fix = "`chaosctl doctor` says what is slow"
            raise StoreSilent("no answer in time", where=self.address, fix=fix)
        lines = self.lines(query, start_ms, end_ms, timeout_s=left_s)
        if len(lines) > 1:
            what = f"the query gives {len(lines)} lines, and a check needs exactly one: '{query}'"
            raise ChaosctlError(what, where=self.address, fix="end it with ',:sum'")
        return lines[0].points() if lines else {}

    def _client(self, timeout_s: float) -> AtlasClient:
        with _said_as_ours(self.address, ""):
            return AtlasClient(self.address, timeout_s=timeout_s)


@contextmanager
def _said_as_ours(address: str, query: str) -> Iterator[None]:
    try:
        yield
    except StoreUnreachable as error:
        raise StoreSilent(error.what, where=address, fix=error.fix) from error
    except AtlasError as error:
        about = f" ('{query}')" if query else ""
        raise ChaosctlError(f"{error.what}{about}", where=address, fix=error.fix) from error
