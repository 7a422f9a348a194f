"""The interface of a wide-column store; `client` and `original` are its two implementations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.refusals import Kind, StoreRefused
from demo_platform.widecolumn.schema import Columns, Value

ROWS_MAX = 1000
"""That a range may ask for."""


class WideColumnStore(Protocol):
    """Rows of the tables in `schema`. Every method raises StoreRefused.

    at_us: when the writer says it was, in microseconds since the epoch; None is now by the
    writer's clock. Of two writes the later one wins, whoever comes first.
    """

    async def write(
        self,
        table: str,
        row: Columns,
        *,
        level: Consistency = Consistency.LOCAL_QUORUM,
        ttl_s: float | None = None,
        at_us: int | None = None,
    ) -> None:
        """Insert a row or change some of its columns. ttl_s: None is what the table says."""

    async def write_all(
        self,
        table: str,
        rows: Sequence[tuple[Columns, int]],
        *,
        level: Consistency = Consistency.LOCAL_QUORUM,
    ) -> None:
        """Write several rows, each as of a time in microseconds, for little more than one costs.

        Of those that are refused together, some may have been written.
        """

    async def read(
        self, table: str, key: Columns, *, level: Consistency = Consistency.LOCAL_QUORUM
    ) -> dict[str, Value] | None:
        """The row with that key; None when there is none."""

    async def read_range(
        self,
        table: str,
        partition: Columns,
        *,
        first: Value | None = None,
        last: Value | None = None,
        limit: int = 100,
        level: Consistency = Consistency.LOCAL_QUORUM,
    ) -> list[dict[str, Value]]:
        """Rows of a partition in the table's order, from smallest to largest clustering value.

        first, last: the least and the greatest value of the clustering column, both included.
        """

    async def delete(
        self,
        table: str,
        key: Columns,
        *,
        level: Consistency = Consistency.LOCAL_QUORUM,
        at_us: int | None = None,
    ) -> None:
        """Delete a row; one that is not there is no error."""


class NoStore:
    """The store of a service that declares none: it refuses everything."""

    async def write(
        self,
        table: str,
        row: Columns,
        *,
        level: Consistency = Consistency.LOCAL_QUORUM,
        ttl_s: float | None = None,
        at_us: int | None = None,
    ) -> None:
        """Refuse."""
        raise _none(table)

    async def write_all(
        self,
        table: str,
        rows: Sequence[tuple[Columns, int]],
        *,
        level: Consistency = Consistency.LOCAL_QUORUM,
    ) -> None:
        """Refuse."""
        raise _none(table)

    async def read(
        self, table: str, key: Columns, *, level: Consistency = Consistency.LOCAL_QUORUM
    ) -> dict[str, Value] | None:
        """Refuse."""
        raise _none(table)

    async def read_range(
        self,
        table: str,
        partition: Columns,
        *,
        first: Value | None = None,
        last: Value | None = None,
        limit: int = 100,
        level: Consistency = Consistency.LOCAL_QUORUM,
    ) -> list[dict[str, Value]]:
        """Refuse."""
        raise _none(table)

    async def delete(
        self,
        table: str,
        key: Columns,
        *,
        level: Consistency = Consistency.LOCAL_QUORUM,
        at_us: int | None = None,
    ) -> None:
        """Refuse."""
        raise _none(table)


NO_STORE = NoStore()


def _none(table: str) -> StoreRefused:
    return StoreRefused(Kind.NO_COORDINATOR, f"the service declares no store to find {table} in")
