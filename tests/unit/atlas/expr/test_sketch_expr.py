import pytest

from atlas.expr.sketch_expr import BUCKET_BOUNDS, bucket_of, percentile_text


def test_buckets_are_nine_to_a_power_of_four():
    assert len(BUCKET_BOUNDS) == 276
    assert BUCKET_BOUNDS[:4] == (1, 2, 3, 4)
    assert BUCKET_BOUNDS[13:24] == (14, 16, 21, 26, 31, 36, 41, 46, 51, 56, 64)
    assert BUCKET_BOUNDS[32:34] == (256, 341)
    assert BUCKET_BOUNDS[-1] == 2**63 - 1


@pytest.mark.parametrize(
    ("value", "bucket"),
    [
        *[(-1, 0), (0, 0), (0.9, 0), (1, 1), (4, 4), (10, 10), (14, 14)],
        *[(15, 15), (20, 15), (21, 16), (63, 24), (64, 24), (100, 25), (1000, 41)],
        *[(1e6, 86), (5e8, 125), (1e9, 131), (2**62, 275), (float("inf"), 275)],
    ],
)
def test_values_are_counted_where_clients_count_them(value, bucket):
    assert bucket_of(value) == bucket


@pytest.mark.parametrize(
    ("percentile", "text"), [(9.0, "  9.0"), (50.0, " 50.0"), (99.99, " 99.99"), (100.0, "100.0")]
)
def test_percentiles_stand_below_each_other(percentile, text):
    assert percentile_text(percentile) == text
