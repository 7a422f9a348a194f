"""The first few of many by a number. Ties are broken as the original breaks them.

It keeps the best so far in a binary heap with the worst on top, and replaces that when a better one
comes. Which of several equal ones is on top follows from how Java sifts its heap; Python's own
`heapq` sifts another way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atlas.eval.algorithms import FloatArray


def best(numbers: FloatArray, count: int, *, is_top: bool) -> tuple[list[int], list[int]]:
    """Positions of the largest numbers, or of the smallest; and the others as they drop out.

    NaN is the largest of all.
    """
    ascending = _order_keys(numbers)
    keys = (~ascending if is_top else ascending).tolist()
    heap: list[int] = []
    others: list[int] = []
    for i, key in enumerate(keys):
        if len(heap) < count:
            _push(heap, keys, i)
        elif key < keys[heap[0]]:
            others.append(_pop(heap, keys))
            _push(heap, keys, i)
        else:
            others.append(i)
    return heap, others


def _order_keys(numbers: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Integers in the order of Java's doubles: −∞ … −0.0, 0.0 … ∞, NaN."""
    bits = np.where(np.isnan(numbers), np.nan, numbers).view(np.int64)
    return np.where(bits < 0, bits ^ np.int64(2**63 - 1), bits)


def _push(heap: list[int], keys: Sequence[int], item: int) -> None:
    at = len(heap)
    heap.append(item)
    while at > 0:
        parent = (at - 1) // 2
        if keys[item] <= keys[heap[parent]]:
            break
        heap[at], at = heap[parent], parent
    heap[at] = item


def _pop(heap: list[int], keys: Sequence[int]) -> int:
    worst, item = heap[0], heap.pop()
    if not heap:
        return worst
    at = 0
    while (child := 2 * at + 1) < len(heap):
        right = child + 1
        if right < len(heap) and keys[heap[right]] > keys[heap[child]]:
            child = right
        if keys[heap[child]] <= keys[item]:
            break
        heap[at], at = heap[child], child
    heap[at] = item
    return worst
