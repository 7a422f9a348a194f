"""The store's other implementation: a real Cassandra, through its own driver.

Nothing of the platform imports this; the driver comes with the extra `cassandra`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from cassandra import (
    ConsistencyLevel,
    InvalidRequest,
    OperationTimedOut,
    ReadFailure,
    ReadTimeout,
    RequestExecutionException,
    Unavailable,
    WriteFailure,
    WriteTimeout,
)
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable
from cassandra.cluster import Session as DriverSession
from cassandra.io.asyncioreactor import AsyncioConnection
from cassandra.policies import (
    DCAwareRoundRobinPolicy,
    FallthroughRetryPolicy,
    WhiteListRoundRobinPolicy,
)
from cassandra.protocol import OverloadedErrorMessage
from cassandra.query import PreparedStatement, dict_factory

from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.refusals import Kind, StoreRefused
from demo_platform.widecolumn.schema import TABLES, BadRequest, Columns, Table, Value, table_named

REQUEST_S = 15.0

_TYPES = {int: "bigint", str: "text"}
_KINDS: dict[type[Exception], Kind] = {
    Unavailable: Kind.UNAVAILABLE,
    ReadTimeout: Kind.READ_TIMEOUT,
    WriteTimeout: Kind.WRITE_TIMEOUT,
    ReadFailure: Kind.READ_FAILURE,
    WriteFailure: Kind.WRITE_FAILURE,
    OverloadedErrorMessage: Kind.OVERLOADED,
    InvalidRequest: Kind.INVALID,
    NoHostAvailable: Kind.NO_COORDINATOR,
    OperationTimedOut: Kind.NO_COORDINATOR,
}


class CassandraStore:
    """A WideColumnStore in one keyspace. Made by `connect`."""

    def __init__(self, cluster: Cluster, session: DriverSession) -> None:
        self._cluster = cluster
        self._session = session
        self._prepared: dict[str, PreparedStatement] = {}

    @classmethod
    def connect(
        cls,
        endpoints: Sequence[tuple[str, int]],
        *,
        keyspace: str,
        replicas: int,
        region: str,
        only_first: bool = False,
    ) -> CassandraStore:
        """Connect, and make the keyspace and its tables where they are not there. Blocks.

        only_first: whether the first endpoint coordinates everything, whoever else is there.
        """
        hosts = [host for host, _ in endpoints]
        policy = (
            WhiteListRoundRobinPolicy(hosts[:1]) if only_first else DCAwareRoundRobinPolicy(region)
        )
        profile = ExecutionProfile(
            load_balancing_policy=policy,
            retry_policy=FallthroughRetryPolicy(),
            row_factory=dict_factory,
            request_timeout=REQUEST_S,
        )
        cluster = Cluster(
            hosts,
            port=endpoints[0][1],
            connection_class=AsyncioConnection,
            execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        )
        session = cluster.connect()
        session.execute(
            f"CREATE KEYSPACE IF NOT EXISTS {keyspace} WITH replication ="
            f" {{'class': 'NetworkTopologyStrategy', '{region}': {replicas}}}"
        )
        session.set_keyspace(keyspace)
        for table in TABLES.values():
            session.execute(_definition(table))
        return cls(cluster, session)

    def close(self) -> None:
        """Disconnect."""
        self._cluster.shutdown()

    async def write(
        self,
        table: str,
        row: Columns,
        *,
        level: Consistency = Consistency.LOCAL_QUORUM,
        ttl_s: float | None = None,
        at_us: int | None = None,
    ) -> None:
        """Insert a row or change some of its columns. Raises StoreRefused."""
        found = _checked(table, row)
        names = sorted(row)
        places = ", ".join("?" for _ in names)
        # The table's own default is only overruled by a time to live of the writer's.
        usings = [] if at_us is None else [("TIMESTAMP", at_us)]
        usings += [] if ttl_s is None else [("TTL", int(ttl_s))]
        using = f" USING {' AND '.join(f'{name} ?' for name, _ in usings)}" if usings else ""
        query = f"INSERT INTO {found.name} ({', '.join(names)}) VALUES ({places}){using}"  # noqa: S608 - names are the schema's
        await self._execute(query, [*(row[n] for n in names), *(v for _, v in usings)], level)

    async def write_all(
        self,
        table: str,
        rows: Sequence[tuple[Columns, int]],
        *,
        level: Consistency = Consistency.LOCAL_QUORUM,
    ) -> None:
        """Write several rows, each for itself. Raises StoreRefused."""
        writes = (self.write(table, row, level=level, at_us=at_us) for row, at_us in rows)
        await asyncio.gather(*writes)

    async def delete(
        self,
        table: str,
        key: Columns,
        *,
        level: Consistency = Consistency.LOCAL_QUORUM,
        at_us: int | None = None,
    ) -> None:
        """Delete a row. Raises StoreRefused."""
        found = _checked(table, key)
        using, values = ("", []) if at_us is None else (" USING TIMESTAMP ?", [at_us])
        query = f"DELETE FROM {found.name}{using} WHERE {_where(found.key)}"  # noqa: S608
        await self._execute(query, [*values, *(key[name] for name in found.key)], level)

    async def read(
        self, table: str, key: Columns, *, level: Consistency = Consistency.LOCAL_QUORUM
    ) -> dict[str, Value] | None:
        """The row with that key. Raises StoreRefused."""
        found = _checked(table, key)
        query = f"SELECT * FROM {found.name} WHERE {_where(found.key)}"  # noqa: S608
        rows = await self._execute(query, [key[name] for name in found.key], level)
        return rows[0] if rows else None

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
        """Rows of a partition, in order. Raises StoreRefused."""
        try:
            found = table_named(table)
            found.bounds(partition, first, last)
            found.partition_key(partition)
        except BadRequest as bad:
            raise StoreRefused(Kind.INVALID, str(bad)) from bad
        values: list[Value] = [partition[name] for name in found.partition]
        query = f"SELECT * FROM {found.name} WHERE {_where(found.partition)}"  # noqa: S608
        for sign, bound in ((">=", first), ("<=", last)):
            if bound is not None:
                query += f" AND {found.clustering[0]} {sign} ?"
                values.append(bound)
        return await self._execute(f"{query} LIMIT ?", [*values, limit], level)

    async def _execute(
        self, query: str, values: list[Value], level: Consistency
    ) -> list[dict[str, Value]]:
        try:
            if query not in self._prepared:
                self._prepared[query] = await asyncio.to_thread(self._session.prepare, query)
            bound = self._prepared[query].bind(values)
            bound.consistency_level = ConsistencyLevel.name_to_value[level]
            rows = await asyncio.to_thread(self._session.execute, bound)
        except (RequestExecutionException, *_KINDS) as error:
            raise _refused(error) from error
        return [{name: v for name, v in row.items() if v is not None} for row in rows]


def _definition(table: Table) -> str:
    columns = ", ".join(f"{name} {_TYPES[kind]}" for name, kind in table.columns.items())
    clustering = "".join(f", {name}" for name in table.clustering)
    order = f"CLUSTERING ORDER BY ({table.clustering[0]} DESC) AND " if table.newest_first else ""
    return (
        f"CREATE TABLE IF NOT EXISTS {table.name}"
        f" ({columns}, PRIMARY KEY (({', '.join(table.partition)}){clustering}))"
        f" WITH {order}default_time_to_live = {int(table.ttl_s)}"
        f" AND gc_grace_seconds = {int(table.gc_grace_s)}"
    )


def _where(names: Sequence[str]) -> str:
    return " AND ".join(f"{name} = ?" for name in names)


def _checked(table: str, columns: Columns) -> Table:
    try:
        found = table_named(table)
        found.split(columns)
    except BadRequest as bad:
        raise StoreRefused(Kind.INVALID, str(bad)) from bad
    return found


def _refused(error: Any) -> StoreRefused:
    kind = next((k for known, k in _KINDS.items() if isinstance(error, known)), None)
    if kind is None:
        return StoreRefused(Kind.NO_COORDINATOR, str(error))
    required = getattr(error, "required_responses", None) or getattr(error, "required_replicas", 0)
    received = getattr(error, "received_responses", None)
    if received is None:
        received = getattr(error, "alive_replicas", 0)
    return StoreRefused(kind, str(error), required=required or 0, received=received or 0)
