"""Why a check broke, computed from the store: which tag values its change is concentrated on.

Idea. Take each thing that the check's expression asks for (a leaf). Find what *appeared* in it: the
leaf itself, or the one value of one of its tags that came from nearly nothing (`outcome=failed`).
Split that by every other tag. A value explains the change by its *lift*: its share of what appeared
less its share of the leaf before the fault. `cause=playback` with 100 % of the failures and 0 % of
the starts before has a lift of 1; `nf.region=us-east-1` with 100 % and 50 %, of 0.5; a tag that
everything has, of 0. Where nothing appeared, the same is asked of what was lost. Weak findings are
left out: never guess a cause. Known by no metric's name, and by no tag's but Atlas' own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from atlas.asl import parse_exprs
from atlas.expr.data_expr import GroupBy, data_exprs
from atlas.expr.query_expr import And, Equal, HasKey, Query
from chaosctl.experiment.model import Check
from chaosctl.judge.hypothesis import CheckState
from chaosctl.judge.samples import STEP_MS, Series, Span, mean, step_ends

FINDINGS_MAX = 3
QUESTIONS_MAX = 80
KEYS_MAX = 16
LIFT_MIN = 0.3
NOVELTY_MIN = 0.8
SHARE_MIN = 0.9
SIGMAS_MIN = 3.0
WEIGHT_MIN = 0.01
"""What appeared must be at least this share of its leaf to matter."""


class Line(Protocol):
    """A line of an answer: its tags, and its values by step end."""

    @property
    def tags(self) -> Mapping[str, str]:
        """What the line was grouped by, among others."""

    def points(self) -> Mapping[int, float]:
        """Values by step end; no entry where there is no data."""


Fetch = Callable[[str, int, int], Sequence[Line]]
"""(query, start_ms, end_ms) to its lines, for steps in (start, end]."""

Keys = Callable[[str], Sequence[str]]
"""Query to the tag keys that its series have."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A tag value that the change is concentrated on.

    context: what appeared (`outcome=failed`), empty when something was lost. share: of the change,
    0…1. before, now: mean of the value per step. lift: see the module.
    """

    context: str
    key: str
    value: str
    share: float
    before: float
    now: float
    lift: float

    def text(self) -> str:
        """As a person reads it."""
        head = f"{self.context}: " if self.context else "lost: "
        numbers = f"{self.before:.2g} → {self.now:.2g}/s"
        return f"{head}{self.key}={self.value} {self.share * 100:.0f} % ({numbers})"


class _Enough(Exception):
    """The number of questions or the time is used up."""


@dataclass(slots=True)
class _Store:
    """The store, within bounds."""

    fetch: Fetch
    keys: Keys
    baseline: Span
    broken: Span
    is_late: Callable[[], bool]
    left: int = QUESTIONS_MAX

    def keys_of(self, query: Query) -> list[str]:
        self._spend()
        fixed = fixed_tags(query)
        found = (key for key in self.keys(str(query)) if key not in fixed)
        return [key for key in found if not _is_encoding(key)][:KEYS_MAX]

    def split(self, query: Query, key: str) -> dict[str, _Change]:
        """Before and now of each value of the key."""
        self._spend()
        lines = self.fetch(f"{query},:sum,(,{key},),:by", self.baseline.start_ms, self._end_ms())
        return {line.tags[key]: self._change(line.points()) for line in lines if key in line.tags}

    def _end_ms(self) -> int:
        return max(self.broken.end_ms, self.baseline.end_ms)

    def _change(self, points: Series) -> _Change:
        before, now = (mean(points, step_ends(span)) for span in (self.baseline, self.broken))
        return _Change(_or_zero(before), _or_zero(now))

    def _spend(self) -> None:
        if self.left <= 0 or self.is_late():
            raise _Enough
        self.left -= 1


@dataclass(frozen=True, slots=True)
class _Change:
    before: float
    now: float

    @property
    def gained(self) -> float:
        return max(0.0, self.now - self.before)

    @property
    def lost(self) -> float:
        return max(0.0, self.before - self.now)


def because(
    check: Check,
    fetch: Fetch,
    keys: Keys,
    *,
    baseline: Span,
    broken: Span,
    is_late: Callable[[], bool] = lambda: False,
) -> list[Finding]:
    """What the broken check's series changed on most, strongest first; empty when that is weak.

    is_late: asked before each question to the store; True ends the search with what was found.
    Raises what `fetch` raises.
    """
    store = _Store(fetch, keys, _aligned(baseline), _aligned(broken), is_late)
    findings: list[Finding] = []
    try:
        for query in _leaves(check.query):
            findings += _explain(query, store)
    except _Enough:
        pass
    return _strongest(findings)


def breach_span(state: CheckState, end_ms: int) -> Span | None:
    """The time to compare with the baseline: from the breach to end_ms; None without a breach."""
    if state.first_breach_ms is None:
        return None
    return _aligned(Span(state.first_breach_ms - STEP_MS, end_ms))


def fixed_tags(query: Query) -> dict[str, str]:
    """Tags that every series of the query has.

    >>> from atlas.asl import parse_query
    >>> fixed_tags(parse_query("name,sps,:eq,status,5xx,:eq,:and"))
    {'name': 'sps', 'status': '5xx'}
    """
    match query:
        case And():
            return fixed_tags(query.left) | fixed_tags(query.right)
        case Equal():
            return {query.key: query.value}
        case _:
            return {}


def _aligned(span: Span) -> Span:
    start_ms = span.start_ms // STEP_MS * STEP_MS
    return Span(start_ms, max(start_ms + STEP_MS, span.end_ms // STEP_MS * STEP_MS))


def _is_encoding(key: str) -> bool:
    """Whether the tag says how a number is written down, not what it is of."""
    return key in {"name", "percentile", "statistic"} or key.startswith("atlas.")


def _leaves(program: str) -> Iterator[Query]:
    """The queries of the expression, each once.

    Series without a key that is grouped by are not in the answer, and in no leaf: percentiles are
    made of a timer's buckets, not of its sums.
    """
    seen = set()
    for expr in parse_exprs(program):
        for leaf in data_exprs(expr):
            query = leaf.query
            if isinstance(leaf, GroupBy):
                for key in leaf.keys:
                    query = query if key in fixed_tags(query) else And(query, HasKey(key))
            if str(query) not in seen:
                seen.add(str(query))
                yield query


def _explain(query: Query, store: _Store) -> Iterator[Finding]:
    splits = {key: store.split(query, key) for key in store.keys_of(query)}
    telling = {key: changes for key, changes in splits.items() if len(changes) > 1}
    if not splits:
        return
    appeared = _what_appeared(query, splits, store)
    if appeared is None:
        for key, changes in telling.items():
            yield from _concentrated("", key, changes, usual=changes, part=_lost, store=store)
        return
    context, inner = appeared
    for key, changes in telling.items():
        if key not in fixed_tags(inner):
            split = changes if inner is query else store.split(inner, key)
            yield from _concentrated(context, key, split, usual=changes, part=_gained, store=store)


def _what_appeared(
    query: Query, splits: Mapping[str, Mapping[str, _Change]], store: _Store
) -> tuple[str, Query] | None:
    """The leaf itself if it came from nothing, or the value of the plainest tag that did."""
    some = next(iter(splits.values())).values()
    total = _Change(sum(c.before for c in some), sum(c.now for c in some))
    if _is_new(total, total, store):
        fixed = {key: value for key, value in fixed_tags(query).items() if key != "name"}
        return ", ".join(f"{key}={value}" for key, value in fixed.items()) or "all", query
    for key, changes in sorted(splits.items(), key=lambda item: len(item[1])):
        gained = sum(change.gained for change in changes.values())
        for value, change in changes.items():
            if _is_new(change, total, store) and change.gained >= SHARE_MIN * gained:
                return f"{key}={value}", And(query, Equal(key, value))
    return None


def _is_new(change: _Change, total: _Change, store: _Store) -> bool:
    """Whether the value came from nearly nothing, by more than chance, to more than a trifle."""
    if change.now <= 0 or change.gained < NOVELTY_MIN * change.now:
        return False
    is_enough = change.now >= WEIGHT_MIN * max(total.before, total.now)
    return is_enough and _sigmas(change, store) >= SIGMAS_MIN


def _sigmas(change: _Change, store: _Store) -> float:
    """How far before and now are apart, if both are counts of independent events."""
    before_s, now_s = (
        (span.end_ms - span.start_ms) / 1000 for span in (store.baseline, store.broken)
    )
    variance = change.before / before_s + change.now / now_s
    return abs(change.now - change.before) / math.sqrt(variance) if variance > 0 else 0.0


def _concentrated(
    context: str,
    key: str,
    split: Mapping[str, _Change],
    *,
    usual: Mapping[str, _Change],
    part: Callable[[_Change], float],
    store: _Store,
) -> Iterator[Finding]:
    """Values with a far greater part of the change than of the leaf before."""
    whole = sum(part(change) for change in split.values())
    before = sum(change.before for change in usual.values())
    for value, change in split.items():
        share = part(change) / whole if whole > 0 else 0.0
        own = usual.get(value, _Change(0.0, 0.0)).before
        # Where there was nothing before, chance alone would spread it evenly.
        lift = share - (own / before if before > 0 else 1 / len(usual))
        if lift >= LIFT_MIN and _sigmas(change, store) >= SIGMAS_MIN:
            yield Finding(context, key, value, share, change.before, change.now, lift)


def _strongest(findings: Sequence[Finding]) -> list[Finding]:
    """The best few; tags that say the same thing again (region, cluster, …) are left out."""
    ranked = sorted(findings, key=lambda f: (-f.lift, -f.share, len(f.key), f.key))
    kept: dict[tuple[float, float, float], Finding] = {}
    for finding in ranked:
        same = (round(finding.share, 3), round(finding.lift, 3), round(finding.now, 3))
        kept.setdefault(same, finding)
    return list(kept.values())[:FINDINGS_MAX]


def _gained(change: _Change) -> float:
    return change.gained


def _lost(change: _Change) -> float:
    return change.lost


def _or_zero(value: float) -> float:
    return 0.0 if math.isnan(value) else value
