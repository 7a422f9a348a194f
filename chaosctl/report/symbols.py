"""Marks, durations and numbers as people read them."""

from __future__ import annotations

from chaosctl.judge.verdict import Outcome, Verdict

VERDICT_MARKS = {
    Verdict.PASSED: ("✔", "ok"),
    Verdict.FAILED: ("✘", "FAIL"),
    Verdict.INCONCLUSIVE: ("?", "?"),
    Verdict.ABORTED: ("!", "!"),
    Verdict.NOT_STARTED: ("!", "!"),
    Verdict.INVALID: ("!", "!"),
}
OUTCOME_MARKS = {
    Outcome.PASS: ("✔", "ok"),
    Outcome.FAIL: ("✘", "FAIL"),
    Outcome.UNKNOWN: ("?", "?"),
}


def speaks_unicode(encoding: str | None) -> bool:
    """Whether a stream of this encoding can carry our marks."""
    return (encoding or "").lower().replace("-", "").startswith("utf")


def mark(marks: tuple[str, str], *, unicode: bool) -> str:
    """The mark for a stream: a sign, or a word where signs cannot be written."""
    return marks[0] if unicode else marks[1]


def duration(ms: float) -> str:
    """A duration as people say it.

    >>> duration(820), duration(9400), duration(20_000), duration(90_000)
    ('820 ms', '9.4 s', '20 s', '1m 30s')
    """
    if ms < 1000:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    if seconds < 60:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest}s" if rest else f"{minutes}m"


def number(value: float | None) -> str:
    """A value with three significant digits; `no data` for a gap.

    >>> number(0.97123), number(31.04), number(None), number(0.0)
    ('0.971', '31', 'no data', '0')
    """
    if value is None or value != value:  # noqa: PLR0124 - NaN is the one value unlike itself
        return "no data"
    return f"{value:.3g}"
