"""Guards: what forbids a run before it touches anything, and when it would be allowed again.

Hours, days, holidays and the budget are asked of the clock and of this user's run folders, before
the target is even looked at; the capacity and the outage of the target and its store, under the
lock. What cannot be told counts as a no.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from chaosctl.engine.journal import read_journal
from chaosctl.engine.plan import in_words
from chaosctl.errors import ChaosctlError, NotStarted
from chaosctl.experiment.guards import DAYS
from chaosctl.experiment.model import Guards, StopCondition
from chaosctl.experiment.windows import own_window_ms
from chaosctl.judge.hypothesis import judge_stop
from chaosctl.judge.samples import STEP_MS
from chaosctl.judge.verdict import Verdict
from monkeys.target import Capability, Instance, ProcessState, Target

if TYPE_CHECKING:
    from chaosctl.context import Context
    from chaosctl.engine.session import Session

DAYS_AHEAD_MAX = 400
OUTAGE_WAIT_MS = 30_000
"""A target that has just been started has no data at first; so long is waited for it."""

OUTAGE_ASK_S = 2.0
PROBE_MS = 1_000
PROBE_SLACK_S = 1.0


@dataclass(frozen=True, slots=True)
class GuardAnswer:
    """What one guard says. again_ms: epoch ms from when on it would say yes; 0: nobody knows."""

    guard: str
    ok: bool
    text: str
    source: str
    again: str = ""
    again_ms: int = 0

    def line(self) -> str:
        """For people: the guard, what it says, and when it would say yes."""
        said = "allows" if self.ok else "refuses now"
        return f"{self.guard} {said}: {self.text}" + (f"; {self.again}" if self.again else "")


def ask_leash(guards: Guards) -> Iterator[GuardAnswer]:
    """Whether anything may be touched at all."""
    if guards.is_leashed:
        text = "runs are planned, explained and recorded, and touch nothing"
        again = f"allowed once 'leash' is taken out of {guards.source}"
        yield GuardAnswer("leash", False, text, guards.source, again)


def ask_clock(guards: Guards, now_ms: int) -> Iterator[GuardAnswer]:
    """What hours, days and holidays say of this moment."""
    now = _local(guards, now_ms)
    said = [
        ("hours", guards.hours is not None, _hours_text(guards, now), _is_in_hours(guards, now)),
        ("days", bool(guards.days), _days_text(guards, now), _is_on_day(guards, now)),
        ("holidays", guards.holidays is not None, *_holiday(guards, now)),
    ]
    again_ms = 0
    if not all(ok for _, is_asked, _, ok in said if is_asked):
        again_ms = _opens_at_ms(guards, now)
    for name, is_asked, text, ok in said:
        if is_asked:
            # They open together: that hours are right helps nobody on a holiday.
            at_ms = 0 if ok else again_ms
            yield GuardAnswer(name, ok, text, guards.source, _again(guards, at_ms), at_ms)


def ask_budget(
    guards: Guards, experiment: str, runs_dir: Path, now_ms: int
) -> Iterator[GuardAnswer]:
    """What is left of the day's runs; only those that put a fault in count."""
    if not guards.per_day and not guards.per_day_in_all:
        return
    now = _local(guards, now_ms)
    begin_ms = _ms(_moment(guards, now.date(), 0))
    done = Counter(_broken_since(runs_dir, begin_ms))
    tomorrow_ms = _ms(_moment(guards, now.date() + timedelta(days=1), 0))
    for name, used, most, of in (
        ("budget", done[experiment], guards.per_day, f"'{experiment}'"),
        ("budget in all", done.total(), guards.per_day_in_all, "any experiment"),
    ):
        if most:
            ok = used < most
            text = f"{used} of {most} runs of {of} used today"
            at_ms = 0 if ok else tomorrow_ms
            yield GuardAnswer(name, ok, text, guards.source, _again(guards, at_ms), at_ms)


def ask_capacity(
    guards: Guards, target: Target, expected: Mapping[str, int]
) -> Iterator[GuardAnswer]:
    """Whether enough of each service is up. expected: how many there should be, where known."""
    if not guards.min_healthy_ratio:
        return
    instances = target.instances()
    healthy = _healthy(target, instances)
    if healthy is None:
        text = "target cannot say which of its instances are up"
        yield GuardAnswer("capacity", False, text, guards.source)
        return
    known = Counter(i.service for i in instances)
    up = Counter(i.service for i in instances if i.id in healthy)
    wanted = f"at least {guards.min_healthy_ratio:.0%} wanted"
    shares = {
        service: (up[service], max(known[service], expected.get(service, 0)))
        for service in sorted({*known, *expected})
    }
    short = [
        f"{service} {count} of {of} up"
        for service, (count, of) in shares.items()
        if count < guards.min_healthy_ratio * of - 1e-9
    ]
    text = f"{', '.join(short) or 'enough of every service is up'}, {wanted}"
    yield GuardAnswer("capacity", bool(instances) and not short, text, guards.source)


def describe_later(guards: Guards) -> Iterator[str]:
    """The guards that only a run can ask, in words."""
    if guards.min_healthy_ratio:
        text = f"{guards.min_healthy_ratio:.0%} of each service must be up"
        yield f"capacity is asked when it runs: {text}"
    for condition in guards.outage:
        yield f"outage is asked when it runs: not while {_name(condition)}"
    for name, probe in guards.healthy:
        yield f"healthy is asked when it runs: '{name}' by {probe.kind}"


def guards_for_plan(every: Sequence[Guards], experiment: str, context: Context) -> tuple[str, ...]:
    """Each guard in a line, as it stands now."""
    lines: list[str] = []
    for guards in every:
        now_ms = context.now_ms()
        answers = [
            *ask_leash(guards),
            *ask_clock(guards, now_ms),
            *ask_budget(guards, experiment, context.runs_dir, now_ms),
        ]
        found = [answer.line() for answer in answers] + list(describe_later(guards))
        lines += [f"{line} ({guards.source})" for line in found]
    return tuple(lines)


def guards_in_words(session: Session) -> tuple[str, ...]:
    """Each guard of a run in a line, as it stands now."""
    return guards_for_plan(_every(session), session.setup.experiment.name, session.context)


def refuse_by_clock(session: Session, *, budget: bool = True) -> None:
    """Ask the clock and the run folders. Raises NotStarted if they say no."""
    experiment, context = session.setup.experiment, session.context
    for guards in _every(session):
        _take(session, ask_clock(guards, context.now_ms()))
        if budget:
            asked = ask_budget(guards, experiment.name, context.runs_dir, context.now_ms())
            _take(session, asked)


def refuse_if_leashed(session: Session) -> None:
    """Go no further than the plan. Raises NotStarted."""
    for guards in _every(session):
        _take(session, ask_leash(guards))


def refuse_by_target(session: Session) -> None:
    """Ask the target and its store. Raises NotStarted if they say no."""
    for guards in _every(session):
        _take(session, ask_capacity(guards, session.world.target, session.world.expected()))
        if guards.outage:
            _take(session, _ask_outage(session, guards))
        _take(session, _ask_healthy(session, guards))


def _every(session: Session) -> tuple[Guards, ...]:
    return (session.setup.experiment.guards, *session.setup.machine_guards)


def _take(session: Session, answers: Iterator[GuardAnswer]) -> None:
    for answer in answers:
        session.emit("guard", **asdict(answer))
        if not answer.ok:
            raise NotStarted(
                f"guard '{answer.guard}' of {answer.source} refuses: {answer.text}",
                fix=answer.again or "run it again when that has changed",
            )


# Hours, days and holidays.


def _is_open(guards: Guards, at: datetime) -> bool:
    is_holiday = guards.holidays is not None and bool(guards.holidays.on(at.date()))
    return _is_in_hours(guards, at) and _is_on_day(guards, at) and not is_holiday


def _is_in_hours(guards: Guards, at: datetime) -> bool:
    if guards.hours is None:
        return True
    minute, hours = at.hour * 60 + at.minute, guards.hours
    if hours.from_minute < hours.to_minute:
        return hours.from_minute <= minute < hours.to_minute
    return minute >= hours.from_minute or minute < hours.to_minute


def _is_on_day(guards: Guards, at: datetime) -> bool:
    return not guards.days or at.weekday() in guards.days


def _hours_text(guards: Guards, now: datetime) -> str:
    text = guards.hours.text if guards.hours else ""
    return f"only {text}, it is {now:%H:%M %Z}"


def _days_text(guards: Guards, now: datetime) -> str:
    return f"only {', '.join(DAYS[day] for day in guards.days)}, it is {DAYS[now.weekday()]}"


def _holiday(guards: Guards, now: datetime) -> tuple[str, bool]:
    if guards.holidays is None:
        return "", True
    found, name = guards.holidays.on(now.date()), guards.holidays.name
    if found:
        return f"{now:%Y-%m-%d} is {found} ({name})", False
    return f"{now:%Y-%m-%d} is no holiday ({name})", True


def _opens_at_ms(guards: Guards, now: datetime) -> int:
    """The first moment at which all of them say yes; 0 if there is none for more than a year."""
    openings = sorted({0, guards.hours.from_minute if guards.hours else 0})
    for ahead in range(DAYS_AHEAD_MAX):
        day = now.date() + timedelta(days=ahead)
        for minute in openings:
            at = _moment(guards, day, minute)
            if at > now and _is_open(guards, at):
                return _ms(at)
    return 0


def _local(guards: Guards, at_ms: int) -> datetime:
    zone = ZoneInfo(guards.timezone) if guards.timezone else None
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone(zone)


def _moment(guards: Guards, day: date, minute: int) -> datetime:
    """A minute of a day there; without a timezone, here."""
    written = datetime(day.year, day.month, day.day, minute // 60, minute % 60)  # noqa: DTZ001
    if guards.timezone:
        return written.replace(tzinfo=ZoneInfo(guards.timezone))
    return written.astimezone()


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _again(guards: Guards, at_ms: int) -> str:
    return f"allowed again {_local(guards, at_ms):%a %Y-%m-%d %H:%M %Z}" if at_ms else ""


# The budget.


def _broken_since(runs_dir: Path, begin_ms: int) -> Iterator[str]:
    """The experiment of each run that has put a fault in since then."""
    # A run's id begins with its minute; one of the day before may have gone on past midnight.
    first = f"{datetime.fromtimestamp(begin_ms / 1000, tz=UTC) - timedelta(days=1):%Y%m%d-%H%M}"
    try:
        folders = sorted(path for path in runs_dir.iterdir() if path.name >= first)
    except FileNotFoundError:
        return
    for folder in folders:
        try:
            events = read_journal(folder)
        except ChaosctlError:
            continue  # no journal yet: it has broken nothing
        injected_ms = [int(e["at_ms"]) for e in events if e["event"] == "inject"]
        if injected_ms and injected_ms[0] >= begin_ms:
            yield str(next((e["experiment"] for e in events if e["event"] == "start"), ""))


# The target and its store.


def _healthy(target: Target, instances: Sequence[Instance]) -> set[str] | None:
    """Ids of the instances that run and answer; None if neither can be asked."""
    found = {instance.id for instance in instances}
    can_see = target.lacks(Capability.SIGNAL) is None
    can_probe = target.lacks(Capability.PROBE) is None
    if can_see:
        found &= {i.id for i in instances if target.state(i) is ProcessState.RUNNING}
    if can_probe:
        answers = target.probe(instances, timeout_ms=PROBE_MS)
        found &= {name for name, round_trip_ms in answers.items() if round_trip_ms is not None}
    return found if can_see or can_probe else None


def _ask_healthy(session: Session, guards: Guards) -> Iterator[GuardAnswer]:
    """What each probe says, asked once; one that cannot be asked says no."""
    for name, spec in guards.healthy:
        probe, timeout_s = session.world.make_probe(spec), spec.timeout_ms / 1000
        said = session.bounded(partial(probe.ask, timeout_s), timeout_s + PROBE_SLACK_S)
        if isinstance(said, BaseException):
            text = f"'{name}' cannot be asked: {str(said) or 'no answer in time'}"
            yield GuardAnswer("healthy", False, text, guards.source)
        else:
            ok = said.value == 1.0
            text = f"'{name}' says {'yes' if ok else 'no'}: {said.text}"
            yield GuardAnswer("healthy", ok, text, guards.source)


def _ask_outage(session: Session, guards: Guards) -> Iterator[GuardAnswer]:
    """Whether one of the conditions is true now; waits for data, but not for ever."""
    until_ms = session.context.now_ms() + OUTAGE_WAIT_MS
    waiting, trouble = list(guards.outage), ""
    while waiting:
        now_ms = session.context.now_ms()
        answer = _fetch(session, waiting, now_ms)
        if isinstance(answer, ChaosctlError) and answer.verdict is Verdict.INVALID:
            raise answer
        if isinstance(answer, BaseException):
            trouble = f": {str(answer) or 'the store does not answer'}"
        else:
            yield from _judge(guards, waiting, answer, now_ms)
        if waiting and now_ms >= until_ms:
            text = f"no data of {_name(waiting[0])}{trouble}"
            yield GuardAnswer("outage", False, text, guards.source)
            return
        if waiting:
            session.listen(1.0)


def _fetch(session: Session, conditions: Sequence[StopCondition], now_ms: int) -> Any:
    start_ms, end_ms = _span(conditions, now_ms)
    queries = [condition.query for condition in conditions]
    ask = partial(session.world.store.fetch, queries, start_ms, end_ms, OUTAGE_ASK_S / 2)
    return session.bounded(ask, OUTAGE_ASK_S)


def _span(conditions: Sequence[StopCondition], now_ms: int) -> tuple[int, int]:
    end_ms = now_ms // STEP_MS * STEP_MS - STEP_MS  # the last step may still get data
    return end_ms - max(own_window_ms(each.when) for each in conditions), end_ms


def _judge(
    guards: Guards,
    waiting: list[StopCondition],
    samples: Mapping[str, Mapping[int, float]],
    now_ms: int,
) -> Iterator[GuardAnswer]:
    """An answer for each condition that has data; those leave `waiting`."""
    start_ms, end_ms = _span(waiting, now_ms)
    for condition in list(waiting):
        state = judge_stop(condition, samples, start_ms=start_ms, end_ms=end_ms, baseline=None)
        told = sum(start_ms < end <= end_ms for end in samples.get(condition.query, {}))
        if math.isnan(state.value) or told < condition.when.for_steps:
            continue
        waiting.remove(condition)
        is_so = "is true" if state.fired else "is not true"
        text = f"{_name(condition)} {is_so}: {state.value:.4g}"
        yield GuardAnswer("outage", not state.fired, text, guards.source)


def _name(condition: StopCondition) -> str:
    return f"'{condition.name or condition.query} {in_words(condition.when)}'"
