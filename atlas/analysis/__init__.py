"""Steady-state analysis: functions of arrays that say whether a metric is as it should be.

Apart from the store and its language, and never loaded by the server: `scipy.stats` is imported
when a function that needs it is called. docs/analysis.md says when to use which.
"""

from __future__ import annotations

from atlas.analysis.anomaly import score_anomalies
from atlas.analysis.compare import Comparison, Difference, compare, decide
from atlas.analysis.forecast import Band, forecast, history_needed
from atlas.analysis.trend import ChangePoint, Trend, find_change, measure_trend

__all__ = [
    "Band",
    "ChangePoint",
    "Comparison",
    "Difference",
    "Trend",
    "compare",
    "decide",
    "find_change",
    "forecast",
    "history_needed",
    "measure_trend",
    "score_anomalies",
]
