"""What queries select, remembered: dashboards ask the same again and again.

A selection stays true until a series comes or goes. Most queries name one metric, and then only
series of that metric count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from atlas.errors import LimitExceeded
from atlas.expr.label import group_labels, tag_label
from atlas.expr.query_expr import Query, exact_name, exact_tags
from atlas.store.index import TagIndex
from atlas.store.layout import BoolArray, IntArray, RowArray
from atlas.store.limits import StoreLimits
from atlas.store.normalize import Normalizer
from atlas.store.runs import Groups

QUERIES = "queries"
_GROUP_BYTES = 400  # its tags, label and key
_SHARE_OF_MEMORY = 64


@dataclass(frozen=True, slots=True)
class Selection:
    """The series that a query matches, in groups that are sorted by label.

    For each group: its first row, its tags (those that all selected series share, too), its label,
    its values of the keys, and whether it is a gauge, by its first series.
    """

    groups: Groups
    firsts: RowArray
    tags: tuple[Mapping[str, str], ...]
    labels: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    are_gauges: BoolArray

    @property
    def size_bytes(self) -> int:
        """About what remembering it takes."""
        arrays = self.groups.rows, self.groups.starts, self.firsts, self.are_gauges
        return sum(array.nbytes for array in arrays) + _GROUP_BYTES * (1 + len(self.labels))


_NO_ROWS = np.zeros(0, np.int32)
NOTHING = Selection(
    Groups(_NO_ROWS, np.zeros(1, np.int64)), _NO_ROWS, (), (), (), np.zeros(0, np.bool_)
)


@dataclass(frozen=True, slots=True)
class _Remembered:
    selection: Selection
    name: str | None
    version: int


class Selections:
    """Selections by query and keys; the one that was not asked for the longest is dropped first.

    The store's lock is held around every call.
    """

    def __init__(self, index: TagIndex, normalizer: Normalizer, limits: StoreLimits) -> None:
        self._index = index
        self._normalizer = normalizer
        self._line_count_max = limits.line_count_max
        self._remembered: dict[tuple[Query, tuple[str, ...] | None], _Remembered] = {}
        self.size_bytes = 0
        self.size_bytes_max = limits.bytes_max // _SHARE_OF_MEMORY

    def find(self, query: Query, keys: tuple[str, ...] | None) -> Selection:
        """The same object as before, as long as it is true.

        keys: those to group by; empty for one group; None for a group of each series. Raises
        LimitExceeded if there are too many groups.
        """
        known = self._remembered.pop((query, keys), None)
        if known is not None:
            self.size_bytes -= known.selection.size_bytes
        if known is None or known.version != self._index.version_of(known.name):
            name = exact_name(query)
            version = self._index.version_of(name)
            known = _Remembered(self._select(query, keys), name, version)
        self.size_bytes += known.selection.size_bytes
        self._remembered[query, keys] = known
        while self.size_bytes > self.size_bytes_max:
            oldest = self._remembered.pop(next(iter(self._remembered)))
            self.size_bytes -= oldest.selection.size_bytes
        return known.selection

    def _select(self, query: Query, keys: tuple[str, ...] | None) -> Selection:
        rows = self._index.select(query)
        if keys is None:
            groups = Groups(rows, np.arange(len(rows) + 1))
        else:
            groups = self._index.group(rows, keys)
        if groups.count > self._line_count_max:
            raise LimitExceeded(
                f"requirement failed: too many lines: {groups.count} > {self._line_count_max}",
                fix="group by a key with fewer values, or select fewer series",
            )
        return self._described(groups, keys, exact_tags(query))

    def _described(
        self, groups: Groups, keys: tuple[str, ...] | None, exact: Mapping[str, str]
    ) -> Selection:
        index = self._index
        firsts = groups.rows[groups.starts[:-1]]
        tags: list[Mapping[str, str]]
        if keys is None:
            tags = [index.tags_of(row) for row in firsts.tolist()]
            values: list[tuple[str, ...]] = [()] * len(tags)
            labels = tuple(map(tag_label, tags))
        else:
            columns = [index.values_at(key, firsts) for key in keys] if len(firsts) else []
            values = list(zip(*columns, strict=True)) if keys else [()] * len(firsts)
            tags = [{**exact, **dict(zip(keys, own, strict=True))} for own in values]
            labels = group_labels(keys, values)
        order = sorted(range(len(labels)), key=labels.__getitem__)
        groups = _ordered(groups, np.array(order, np.int64))
        firsts = groups.rows[groups.starts[:-1]]
        return Selection(
            groups,
            firsts,
            tuple(tags[i] for i in order),
            tuple(labels[i] for i in order),
            tuple(values[i] for i in order),
            self._normalizer.are_gauges(firsts),
        )


def _ordered(groups: Groups, order: IntArray) -> Groups:
    """The same groups in another order."""
    sizes = np.diff(groups.starts)[order]
    starts = np.concatenate(([0], np.cumsum(sizes)))
    moved = np.repeat(groups.starts[:-1][order] - starts[:-1], sizes)
    return Groups(groups.rows[moved + np.arange(len(groups.rows))], starts)
