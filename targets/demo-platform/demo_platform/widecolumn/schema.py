"""The tables, and how a row's key becomes bytes. Pure.

A row has a partition, which says on which nodes it lies, and within it a place in the order of the
clustering columns. Both are encoded so that bytes sort as the values do, newest first where a
column says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Value = int | str
Columns = Mapping[str, Value]

GC_GRACE_S = 600.0
"""How long a tombstone is kept at least; longer than any hint, or the dead would rise."""

TEXT_MAX = 16_384

_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1


class BadRequest(Exception):
    """A request that no table can serve: what is wrong, in words."""


_BEYOND = b"\xff" * 16
"""After every key: numbers have eight bytes, and text has no such byte."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns by name and type, and which of them are the key.

    newest_first: whether the clustering columns are sorted the other way round.
    ttl_s: how long what is written lives when the writer does not say; 0 is for ever.
    is_cached: whether nodes have all its rows in memory, as Cassandra does of a table whose
    `caching` says so: for a small one.
    """

    name: str
    partition: tuple[str, ...]
    columns: Mapping[str, type[Value]]
    clustering: tuple[str, ...] = ()
    newest_first: bool = False
    ttl_s: float = 0.0
    gc_grace_s: float = GC_GRACE_S
    is_cached: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that name a row."""
        return self.partition + self.clustering

    @property
    def values(self) -> tuple[str, ...]:
        """The columns that are no key."""
        return tuple(name for name in self.columns if name not in self.key)

    def partition_key(self, columns: Columns) -> bytes:
        """The partition's bytes. Raises BadRequest when a column is missing or of a wrong type."""
        return b"".join(_encoded(self._of(name, columns)) for name in self.partition)

    def clustering_key(self, columns: Columns) -> bytes:
        """The row's place in its partition, to be compared as bytes. Raises BadRequest."""
        whole = b"".join(_encoded(self._of(name, columns)) for name in self.clustering)
        return _reversed(whole) if self.newest_first else whole

    def bounds(
        self, partition: Columns, first: Value | None, last: Value | None
    ) -> tuple[bytes, bytes]:
        """Between which bytes the rows with these clustering values lie. Raises BadRequest."""
        if len(self.clustering) != 1:
            raise BadRequest(f"table {self.name!r} has one row in each partition; use read")
        column = self.clustering[0]
        keys = [
            None if value is None else self.clustering_key({**partition, column: value})
            for value in (first, last)
        ]
        low, high = reversed(keys) if self.newest_first else keys
        return low or b"", _BEYOND if high is None else high

    def split(self, columns: Columns) -> tuple[bytes, bytes, dict[str, Value]]:
        """Partition, clustering and the other columns of a row to be written. Raises BadRequest."""
        values = {name: self._of(name, columns) for name in columns if name not in self.key}
        return self.partition_key(columns), self.clustering_key(columns), values

    def decoded(self, partition: bytes, clustering: bytes) -> dict[str, Value]:
        """The key's columns from its bytes."""
        if self.newest_first:
            clustering = _reversed(clustering)
        return _decoded(self, self.partition, partition) | _decoded(
            self, self.clustering, clustering
        )

    def _of(self, name: str, columns: Columns) -> Value:
        kind = self.columns.get(name)
        if kind is None:
            raise BadRequest(f"table {self.name!r} has no column {name!r}")
        value = columns.get(name)
        if type(value) is not kind:
            raise BadRequest(f"{self.name}.{name} is {value!r}, not of type {kind.__name__}")
        if isinstance(value, int) and not _INT_MIN <= value <= _INT_MAX:
            raise BadRequest(f"{self.name}.{name} does not fit 64 bits: {value}")
        if isinstance(value, str) and len(value) > TEXT_MAX:
            raise BadRequest(f"{self.name}.{name} is longer than {TEXT_MAX} characters")
        if isinstance(value, str) and "\0" in value and name in self.key:
            raise BadRequest(f"{self.name}.{name} is a key and may not hold a zero byte")
        return value


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "allocations",
            ("member",),
            {"member": int, "test": str, "cell": str},
            ("test",),
            is_cached=True,
        ),
        Table("bookmarks", ("member",), {"member": int, "watched": str}, is_cached=True),
        Table("drm_keys", ("title",), {"title": int, "key_id": str, "secret": str}, is_cached=True),
        Table("members", ("member",), {"member": int, "plan": str, "country": str}),
        Table("sessions", ("session",), {"session": str, "member": int, "plan": str}, ttl_s=1800),
        Table("titles", ("title",), {"title": int, "name": str, "runtime_s": int}),
        Table(
            "viewing_history",
            ("member", "month"),
            {"member": int, "month": str, "at_ms": int, "title": int, "position_s": int},
            ("at_ms",),
            newest_first=True,
            ttl_s=1800,
        ),
    )
}


def table_named(name: str) -> Table:
    """The table of that name. Raises BadRequest."""
    try:
        return TABLES[name]
    except KeyError:
        raise BadRequest(f"no table {name!r}; there are: {', '.join(TABLES)}") from None


def _encoded(value: Value) -> bytes:
    if isinstance(value, int):
        return (value - _INT_MIN).to_bytes(8, "big")
    return value.encode() + b"\0"


def _reversed(key: bytes) -> bytes:
    return bytes(255 - byte for byte in key)


def _decoded(table: Table, names: tuple[str, ...], key: bytes) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name in names:
        if table.columns[name] is int:
            found[name], key = int.from_bytes(key[:8], "big") + _INT_MIN, key[8:]
        else:
            text, _, key = key.partition(b"\0")
            found[name] = text.decode()
    return found
