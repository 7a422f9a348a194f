"""Pages: what is written is committed and counted, and pages are large where all is in use."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
import pytest

from atlas.store.pages import PAGE_BYTES, PagedRows

MIB = 1 << 20
ROWS = 20_000  # of 480 bytes: 9.2 MiB
needs_large_pages = pytest.mark.skipif(
    not hasattr(mmap, "MADV_HUGEPAGE"), reason="large pages are Linux's"
)


def rows(*ranges):
    return np.concatenate([np.arange(*r, dtype=np.int32) for r in ranges])


def large_bytes(paged):
    """What the kernel says of the pages that the rows are in."""
    at, found = paged.values.ctypes.data, 0
    is_ours = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first = line.split()[0]
        if not first.endswith(":"):
            begin, end = (int(number, 16) for number in first.split("-"))
            is_ours = begin < at + paged.values.nbytes and at < end
        elif is_ours and first == "AnonHugePages:":
            found += int(line.split()[1]) * 1024
    return found


def test_rows_count_with_the_pages_that_they_are_in():
    paged = PagedRows(100, 60)
    assert paged.committed_bytes == 0
    paged.use(rows((0, 1)))
    paged.use(rows((0, 8)))
    assert paged.committed_bytes == PAGE_BYTES
    paged.use(rows((8, 9)))  # crosses into the next page
    assert paged.committed_bytes == 2 * PAGE_BYTES


@needs_large_pages
def test_pages_are_large_where_nearly_all_rows_are_expected():
    expected = np.zeros(ROWS, np.bool_)
    expected[: ROWS // 2] = True
    expected[:: ROWS // 10] = False  # a few are missing
    paged = PagedRows(ROWS, 60, expected)
    small = PagedRows(ROWS, 60)
    for each in (paged, small):
        each.use(rows((5000, 5001), (12_000, 12_001), (ROWS - 1, ROWS)))
    assert small.committed_bytes <= 5 * PAGE_BYTES
    assert 2 * MIB <= paged.committed_bytes <= 2 * MIB + 4 * PAGE_BYTES


@needs_large_pages
def test_the_kernel_agrees():
    paged = PagedRows(ROWS, 60, np.ones(ROWS, np.bool_))
    paged.values[:] = 1.0
    paged.use(rows((0, ROWS)))
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text()
    if "[never]" in setting:
        assert large_bytes(paged) == 0
    else:
        assert large_bytes(paged) >= 2 * MIB
    unexpected = PagedRows(ROWS, 60)
    unexpected.values[:] = 1.0
    assert large_bytes(unexpected) == 0


@pytest.mark.parametrize("count", [0, 1, 4000, ROWS, 3 * ROWS])
def test_expectations_of_fewer_or_more_rows_are_taken_as_far_as_they_go(count):
    paged = PagedRows(ROWS, 60, np.ones(count, np.bool_))
    paged.values[-1] = 1.0
    paged.use(rows((0, ROWS)))
    assert 0 <= paged.committed_bytes - paged.values.nbytes <= PAGE_BYTES
