"""The stack language: program text in, expressions out.

>>> [str(expr) for expr in parse_exprs("name,sps,:eq")]
['name,sps,:eq,:sum']
"""

from __future__ import annotations

from atlas.asl.parse import parse_common_query, parse_events, parse_exprs, parse_query

__all__ = ["parse_common_query", "parse_events", "parse_exprs", "parse_query"]
