"""Retries with a budget: a caller may repeat only a share of what it calls.

Without a budget, three tries at each of four layers turn one request into 81 when things go badly,
which is when there is no room for them. The budget is a token bucket that each call fills by
`ratio` and each retry empties by one; when it is empty, the first answer is the answer.
"""

from __future__ import annotations


class RetryBudget:
    """Tokens for retries, filled by calls rather than by time, so an idle caller saves none."""

    __slots__ = ("_ratio", "_tokens", "_tokens_max")

    def __init__(self, *, ratio: float = 0.2, tokens_max: float = 10.0) -> None:
        self._ratio = ratio
        self._tokens_max = tokens_max
        self._tokens = tokens_max

    def deposit(self) -> None:
        """Count a first try."""
        self._tokens = min(self._tokens_max, self._tokens + self._ratio)

    def withdraw(self) -> bool:
        """Take a retry out; False when there is none left."""
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


def backoff_s(attempt: int, *, jitter: float, first_s: float = 0.05, max_s: float = 0.5) -> float:
    """Seconds to wait before try number `attempt` (1 is the first retry), with full jitter.

    jitter: 0…1, a random number of the caller's.

    >>> backoff_s(1, jitter=1.0), backoff_s(2, jitter=1.0), backoff_s(9, jitter=1.0)
    (0.05, 0.1, 0.5)
    >>> backoff_s(3, jitter=0.0)
    0.0
    """
    return float(min(max_s, first_s * 2 ** (attempt - 1)) * jitter)
