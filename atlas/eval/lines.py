"""Lines: what an expression evaluates to, as one array of shape (lines, steps)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from atlas.store.block import FloatArray


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines with their tags, labels and the key by which each is paired with other lines."""

    tags: tuple[Mapping[str, str], ...]
    labels: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    values: FloatArray

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self.tags)


def one_line(tags: Mapping[str, str], label: str, values: FloatArray) -> Lines:
    """A single line, not grouped; `values` has shape (steps,)."""
    return Lines((tags,), (label,), ((),), values.reshape(1, -1))


def no_data(step_count: int) -> Lines:
    """The line of gaps that stands for an aggregate of nothing."""
    return one_line({"name": "NO_DATA"}, "NO DATA", np.full(step_count, np.nan))


def sorted_by_label(lines: Lines) -> Lines:
    """The same lines in the order in which they are shown."""
    order = sorted(range(lines.count), key=lines.labels.__getitem__)
    return Lines(
        tuple(lines.tags[i] for i in order),
        tuple(lines.labels[i] for i in order),
        tuple(lines.keys[i] for i in order),
        lines.values[order] if order else lines.values,
    )
