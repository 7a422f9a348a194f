"""Steady-state analysis: functions of arrays that say whether a metric is as it should be.

Apart from the store and its language, and never loaded by the server: `scipy.stats` is imported
when a function that needs it is called. docs/analysis.md says when to use which.
"""
