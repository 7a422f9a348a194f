"""What all screens share: the clock, the signs, the feeds, and how to ask for what is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaosctl.context import Context
from chaosctl.dashboard.feeds import Feed
from chaosctl.dashboard.snapshots import (
    Answer,
    ExperimentRow,
    Heart,
    Platform,
    RunRow,
    StoreFacts,
)
from chaosctl.dashboard.sources import (
    HeartSource,
    JournalTail,
    PlatformSource,
    QuerySource,
    RunsSource,
    StoreSource,
    experiments,
)
from chaosctl.dashboard.words import Advice, advise
from chaosctl.report.glyphs import Glyphs
from chaosctl.stores.atlas import AtlasStore

SPANS_MS = (60_000, 120_000, 300_000, 900_000, 3_600_000)
"""What `t` goes through."""


@dataclass(slots=True)
class Desk:
    """One dashboard's feeds and what they are asked with."""

    context: Context
    store: AtlasStore
    glyphs: Glyphs
    heard: Callable[[], None]
    heart_source: HeartSource
    runs_source: RunsSource
    query_source: QuerySource
    platform: Feed[Platform]
    heart: Feed[Heart]
    runs: Feed[tuple[RunRow, ...]]
    experiments: Feed[tuple[ExperimentRow, ...]]
    answer: Feed[Answer]
    facts: Feed[StoreFacts]

    def run_rows(self) -> tuple[RunRow, ...]:
        """Every run: those that are active first, then the newest."""
        rows = self.runs.value or ()
        return tuple(sorted(rows, key=lambda run: run.state != "active"))

    def find_run(self, run_id: str) -> RunRow | None:
        """The run of this id, as far as it is known."""
        return next((run for run in self.runs.value or () if run.id == run_id), None)

    def broken(self) -> dict[str, str]:
        """Instances that a run holds broken now, and which."""
        rows = self.runs.fresh or ()
        return {name: run.id for run in rows if run.state == "active" for name in run.broken}

    def tail_of(self, run_id: str, heard: Callable[[], None]) -> Feed[tuple[dict[str, Any], ...]]:
        """A feed of one run's events."""
        folder: Path = self.runs_source.folder_of(run_id)
        return Feed("journal", JournalTail(folder), self.context, every_s=0.5, heard=heard)

    def advice(self, text: str, cursor: int) -> Feed[Advice]:
        """A feed that is asked once: help with an expression."""
        store = self.store
        return Feed(
            "advice",
            lambda: advise(text, cursor, lambda key: store.tags(key, None)),
            self.context,
            every_s=1e9,
            heard=self.heard,
        )


def make_desk(
    context: Context, store: AtlasStore, glyphs: Glyphs, heard: Callable[[], None]
) -> Desk:
    """Feeds that tell `heard`, from a thread of theirs, of each answer."""
    heart, runs = HeartSource(store, context), RunsSource(context)
    query, facts = QuerySource(store, context), StoreSource(store, context)
    platform = PlatformSource(context)
    return Desk(
        context=context,
        store=store,
        glyphs=glyphs,
        heard=heard,
        heart_source=heart,
        runs_source=runs,
        query_source=query,
        platform=Feed("platform", platform, context, every_s=1, heard=heard),
        heart=Feed("store", heart, context, every_s=1, heard=heard),
        runs=Feed("runs", runs, context, every_s=1, heard=heard),
        experiments=Feed("experiments", experiments, context, every_s=30, heard=heard),
        answer=Feed("query", query, context, every_s=1, heard=heard),
        facts=Feed("store", facts, context, every_s=2, heard=heard),
    )


def next_span(span_ms: int) -> int:
    """The span after this one; after the last the first."""
    longer = [span for span in SPANS_MS if span > span_ms]
    return longer[0] if longer else SPANS_MS[0]
