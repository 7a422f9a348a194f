"""The samples a run was judged by, kept in its folder: a report never needs the store.

Written once the baseline is known, and again, whole, on every way out that has samples. Of a run
that was killed in between the journal has the rest, step by step, as far as it got.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chaosctl.engine.flows import traffic_as_json, traffic_from_json
from chaosctl.engine.folder import SERIES
from chaosctl.engine.journal import read_journal, to_json, write_whole
from chaosctl.engine.plan import in_words
from chaosctl.errors import ChaosctlError
from chaosctl.experiment.model import Condition, Experiment
from chaosctl.judge.limits import NO_BAND, bounds_of, numbers_of
from chaosctl.judge.samples import NO_SERIES, STEP_MS, Samples, Series, Span, mean, step_ends
from chaosctl.judge.traffic import NO_TRAFFIC, Traffic

SCHEMA = "chaosctl/series/v1"


@dataclass(frozen=True, slots=True)
class Line:
    """One check or stop condition and the numbers it is held against.

    limits: as numbers, with the share of the baseline worked out; NaN where there is none to take.
    over_ms: the judged value is the mean over this window; 0: the value of a step.
    usual, low, high: mean, least and greatest value of the baseline; NaN without one.
    band_low, band_high: of a forecast, step by step from the end of the first one, band_start_ms.
    against: the query that the values are compared with; empty if they are not.
    """

    name: str
    query: str
    is_stop: bool
    comparison: str
    limits: tuple[float, ...]
    limit_text: str
    over_ms: int
    for_steps: int
    usual: float
    low: float
    high: float
    band_start_ms: int = 0
    band_low: tuple[float, ...] = ()
    band_high: tuple[float, ...] = ()
    against: str = ""

    def as_json(self) -> dict[str, Any]:
        """This line as plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class RunSeries:
    """All samples of a run. is_whole: false for a run that has not ended, or was killed.

    traffic: what went between the services; only of runs that came to their end by themselves.
    """

    run_id: str
    step_ms: int
    baseline: Span | None
    samples: Samples
    lines: tuple[Line, ...]
    is_whole: bool = True
    traffic: Traffic = NO_TRAFFIC

    def of(self, line: Line) -> Series:
        """The samples of a line, by step end."""
        return self.samples.get(line.query, NO_SERIES)


def series_of(
    run_id: str,
    experiment: Experiment,
    samples: Samples,
    baseline: Span | None,
    *,
    is_whole: bool,
    traffic: Traffic = NO_TRAFFIC,
) -> RunSeries:
    """What is to be kept of a run."""
    lines = lines_of(experiment, samples, baseline)
    return RunSeries(run_id, STEP_MS, baseline, samples, lines, is_whole, traffic)


def lines_of(experiment: Experiment, samples: Samples, baseline: Span | None) -> tuple[Line, ...]:
    """Every check, then every stop condition, and the numbers it is held against."""
    checks = [
        _line(c.name, c.query, c.hold, samples, baseline, is_stop=False)
        for c in experiment.hypothesis
    ]
    stops = [
        _line(s.name or s.query, s.query, s.when, samples, baseline, is_stop=True)
        for s in experiment.stop
    ]
    return (*checks, *stops)


def write_series(folder: Path, series: RunSeries) -> None:
    """Write the samples, if there are any. Raises OSError."""
    if any(series.samples.values()):
        write_whole(folder / SERIES, to_json(series_as_json(series)))


def series_as_json(series: RunSeries) -> dict[str, Any]:
    """The samples as plain JSON values; a step without data is None."""
    baseline = series.baseline
    return {
        "schema": SCHEMA,
        "run_id": series.run_id,
        "is_whole": series.is_whole,
        "step_ms": series.step_ms,
        "baseline": baseline and {"start_ms": baseline.start_ms, "end_ms": baseline.end_ms},
        "lines": [line.as_json() for line in series.lines],
        "series": {
            query: _packed(values, series.step_ms)
            for query, values in series.samples.items()
            if values
        },
        "traffic": traffic_as_json(series.traffic),
    }


def read_series(folder: Path) -> RunSeries:
    """The samples of the run in a folder; if it has not ended well, with what its journal has.

    Raises ChaosctlError if there are none, they cannot be read, or are of a newer schema.
    """
    path = folder / SERIES
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ChaosctlError(
            "run kept no samples: it ended before its baseline",
            where=str(path),
            fix=f"its journal has what there was: chaosctl journal {folder.name}",
        ) from error
    except (OSError, ValueError) as error:
        raise ChaosctlError(
            f"samples cannot be read: {error}",
            where=str(path),
            fix=f"its journal has those of each step: chaosctl journal {folder.name} --kind sample",
        ) from error
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema != SCHEMA:
        raise ChaosctlError(
            f"samples have schema {schema!r}, this version knows {SCHEMA!r}",
            where=str(path),
            fix="read them with the version of chaosctl that wrote them, or a newer one",
        )
    series = _from_json(folder.name, found)
    return series if series.is_whole else _with_journal(folder, series)


def _line(
    name: str,
    query: str,
    condition: Condition,
    samples: Samples,
    baseline: Span | None,
    *,
    is_stop: bool,
) -> Line:
    series = samples.get(query, NO_SERIES)
    usual = low = high = math.nan
    if baseline is not None:
        ends = step_ends(baseline)
        known = [value for end in ends if not math.isnan(value := series.get(end, math.nan))]
        usual = mean(series, ends)
        low, high = min(known, default=math.nan), max(known, default=math.nan)
    band = bounds_of(condition, series, baseline).band or NO_BAND
    return Line(
        name=name,
        query=query,
        is_stop=is_stop,
        comparison=condition.comparison.value,
        limits=numbers_of(condition, usual),
        limit_text=in_words(condition),
        over_ms=condition.over_ms,
        for_steps=condition.for_steps,
        usual=usual,
        low=low,
        high=high,
        band_start_ms=min(band, default=0),
        band_low=tuple(low for low, _ in band.values()),
        band_high=tuple(high for _, high in band.values()),
        against=condition.population.query if condition.population is not None else "",
    )


def _packed(series: Series, step_ms: int) -> dict[str, Any]:
    """From the first step with data to the last, gaps as None."""
    start_ms, end_ms = min(series), max(series)
    ends = range(start_ms, end_ms + 1, step_ms)
    return {"start_ms": start_ms, "values": [series.get(end) for end in ends]}


def _line_from_json(line: Mapping[str, Any]) -> Line:
    """Older runs have neither bands nor anything that they are compared with."""
    known = {name: line[name] for name in Line.__slots__ if name in line}
    numbers = {name: _number(line[name]) for name in ("usual", "low", "high")}
    several = {
        name: tuple(_number(value) for value in line.get(name, ()))
        for name in ("limits", "band_low", "band_high")
    }
    return Line(**(known | numbers | several))


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _from_json(run_id: str, found: Mapping[str, Any]) -> RunSeries:
    step_ms, baseline = int(found["step_ms"]), found["baseline"]
    return RunSeries(
        run_id=run_id,
        step_ms=step_ms,
        baseline=Span(baseline["start_ms"], baseline["end_ms"]) if baseline else None,
        samples={
            query: {
                packed["start_ms"] + number * step_ms: float(value)
                for number, value in enumerate(packed["values"])
                if value is not None
            }
            for query, packed in found["series"].items()
        },
        lines=tuple(_line_from_json(line) for line in found["lines"]),
        is_whole=bool(found["is_whole"]),
        traffic=traffic_from_json(found.get("traffic")),
    )


def _with_journal(folder: Path, series: RunSeries) -> RunSeries:
    """With what the journal's `sample` events say of each check and stop condition."""
    query_of = {line.name: line.query for line in series.lines}
    samples = {query: dict(values) for query, values in series.samples.items()}
    for event in read_journal(folder):
        if event["event"] != "sample":
            continue
        steps = {name: said["step"] for name, said in event["checks"].items()}
        for name, value in (steps | event["stops"]).items():
            if value is not None and name in query_of:
                kept = samples.setdefault(query_of[name], {})
                kept.setdefault(int(event["step_end_ms"]), float(value))
    return replace(series, samples=samples)
