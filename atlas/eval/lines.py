"""Lines: what an expression evaluates to, as one array of shape (lines, steps)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from atlas.expr.label import tag_label
from atlas.store.block import FloatArray


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines with their tags, labels and the key by which each is paired with other lines.

    is_rate: for each line whether it is a rate, of which a mean is over all steps; empty if none
    is. notices: what a reader should know of how the lines came about.
    """

    tags: tuple[Mapping[str, str], ...]
    labels: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    values: FloatArray
    is_rate: tuple[bool, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self.tags)

    def picked(self, at: Sequence[int]) -> Lines:
        """The lines at these positions, in this order."""
        return Lines(
            tuple(self.tags[i] for i in at),
            tuple(self.labels[i] for i in at),
            tuple(self.keys[i] for i in at),
            self.values[np.asarray(at, np.intp)],
            tuple(self.is_rate[i] for i in at) if self.is_rate else (),
        )

    def labelled_by_tags(self, values: FloatArray) -> Lines:
        """The same lines with other values; they have no label but their tags."""
        return replace(self, labels=tuple(map(tag_label, self.tags)), values=values, notices=())

    def wrapped(self, name: str, values: FloatArray) -> Lines:
        """The same lines with other values, labelled as `name(label)`."""
        labels = tuple(f"{name}({x})" for x in self.labels)
        return replace(self, labels=labels, values=values, notices=())


def one_line(tags: Mapping[str, str], label: str, values: FloatArray) -> Lines:
    """A single line, not grouped; `values` has shape (steps,)."""
    return Lines((tags,), (label,), ((),), values.reshape(1, -1))


def no_data(step_count: int) -> Lines:
    """The line of gaps that stands for an aggregate of nothing."""
    return one_line({"name": "NO_DATA"}, "NO DATA", np.full(step_count, np.nan))


def keys_of(
    tags: Sequence[Mapping[str, str]], grouping: Sequence[str] | None
) -> tuple[tuple[str, ...], ...]:
    """The key of each line of an expression with this grouping, from its tags."""
    return tuple(tuple(t.get(key, "") for key in grouping or ()) for t in tags)


def sorted_by_label(lines: Lines) -> Lines:
    """The same lines in the order in which they are shown."""
    order = sorted(range(lines.count), key=lines.labels.__getitem__)
    if order == list(range(lines.count)):  # as the store hands them out
        return lines
    return replace(lines.picked(order), notices=lines.notices)
