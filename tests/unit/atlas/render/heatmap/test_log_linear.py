"""Log-linear buckets: nine to a power of ten."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.render.heatmap.log_linear import bucket_end, bucket_of, buckets_of, positions_of


@pytest.mark.parametrize(
    ("value", "bucket"),
    [(0, 0), (1e-9, 0), (1.5e-9, 1), (1, 81), (1.1, 82), (2, 82), (9, 89), (10, 90), (-1, -82)],
)
def test_bucket(value, bucket):
    assert bucket_of(value) == bucket


def test_bucket_ends_are_in_their_buckets():
    indexes = np.arange(-280, 280)
    ends = np.array([bucket_end(int(i)) for i in indexes])
    np.testing.assert_array_equal(buckets_of(ends), indexes)


def test_positions_are_linear_within_a_bucket():
    found = positions_of(np.array([1.0, 1.5, 2.0, 10.0, 15.0, 20.0]), bucket_of(1.0) - 1)
    np.testing.assert_allclose(found, [1, 1.5, 2, 10, 10.5, 11])
