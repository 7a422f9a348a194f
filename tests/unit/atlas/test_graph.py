"""What a renderer draws, as values."""

from __future__ import annotations

import math

import numpy as np

from atlas.graph import line_stats


def test_statistics_leave_gaps_out():
    stats = line_stats(np.array([math.nan, 1.0, 4.0, math.nan]))
    assert (stats.count, stats.avg, stats.total) == (2, 2.5, 5.0)
    assert (stats.max, stats.min, stats.last) == (4.0, 1.0, 4.0)


def test_a_line_with_infinities_of_both_signs_has_no_sum_and_warns_of_nothing():
    stats = line_stats(np.array([math.inf, -math.inf]))
    assert math.isnan(stats.total)
    assert math.isnan(stats.avg)
    assert (stats.max, stats.min) == (math.inf, -math.inf)
