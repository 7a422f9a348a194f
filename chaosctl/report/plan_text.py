"""A plan as people read it: what, to whom, how far, judged how, stopped and undone by what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chaosctl.engine.choosing import PlannedStep
from chaosctl.engine.items import (
    BranchItem,
    ManualItem,
    ParallelItem,
    PlannedItem,
    SerialItem,
    StepItem,
    WaitItem,
)
from chaosctl.engine.plan import Plan
from chaosctl.experiment.model import Ramp
from chaosctl.report.symbols import duration
from monkeys.load import LOAD

BAR_WIDTH = 33


def render_plan(plan: Plan, *, unicode: bool = True, explain: bool = False) -> str:
    """The plan, one labelled line a subject; explain: why each instance was chosen or left out."""
    total = sum(plan.population.values())
    hit = sum(plan.hit.values())
    lines = [f"{plan.experiment} · {plan.title}      seed {plan.seed}", ""]
    lines += _labelled("will", tuple(_items(plan, plan.method, total)))
    lines += _spared(plan)
    lines.append(
        f" blast   {_bar(hit, total, unicode=unicode)}  {_percent(hit, total)}{_kept(plan)}"
    )
    per_service = (f"{name} {count}/{plan.population[name]}" for name, count in plan.hit.items())
    lines.append(f"         {'  '.join(per_service)}")
    lines += _labelled("guard", plan.guards)
    lines += _labelled("judge", plan.checks)
    lines += _labelled("stop", (*plan.stops, "Ctrl-C · chaosctl halt"))
    deadline = duration(max((step.deadline_ms for step in plan.steps), default=0))
    lines.append(
        f" undo    {plan.undo_steps} steps; watchdog on; deadline {deadline} where the target can"
    )
    lines.append(f" time    {_time(plan)}")
    if explain:
        lines += ["", *_explained(plan)]
    return "\n".join(lines)


def _items(plan: Plan, items: Iterable[PlannedItem], total: int) -> Iterator[str]:
    """A line for each item; what is inside of one stands below it, indented."""
    for item in items:
        match item:
            case StepItem():
                yield _step(plan.steps[item.step], total)
            case WaitItem():
                yield f"wait {duration(item.for_ms)}"
            case ManualItem():
                yield f"ask a person (at most {duration(item.within_ms)}): {item.text}"
            case SerialItem():
                yield "one after the other:"
                yield from _inside(plan, item.items, total)
            case ParallelItem():
                yield "at the same time:"
                yield from _inside(plan, item.items, total)
            case BranchItem():
                yield f"if '{item.check}' is {'holding' if item.is_holding else 'broken'}:"
                yield from _inside(plan, item.then, total)
                if item.otherwise:
                    yield "else:"
                    yield from _inside(plan, item.otherwise, total)


def _inside(plan: Plan, items: Iterable[PlannedItem], total: int) -> Iterator[str]:
    yield from (f"  {line}" for line in _items(plan, items, total))


def _step(step: PlannedStep, total: int) -> str:
    when = f", for {duration(step.for_ms)}{_times(step)}"
    if step.fault == LOAD:
        return f"{step.parameters['times']:g} times the usual traffic{when}"
    zones = sorted({instance.zone for instance in step.targets})
    count = len(step.targets)
    grown = {} if step.ramp is None else {step.ramp.field: _ramp(step.ramp)}
    told = " ".join(f"{key}={value}" for key, value in {**step.parameters, **grown}.items())
    drawn = f" ({step.chosen})" if step.chosen.endswith(("one", "zone")) else ""
    return (
        f"{step.fault}{f' ({told})' if told else ''} on {count} of {total} instances "
        f"({_percent(count, total)}){drawn} in {', '.join(zones)}{when}"
    )


def _ramp(ramp: Ramp) -> str:
    first, last = ramp.levels[0], ramp.levels[-1]
    return f"{first:g}…{last:g} in {len(ramp.levels)} levels over {duration(ramp.over_ms)}"


def _times(step: PlannedStep) -> str:
    after = f", after {duration(step.after_ms)}" if step.after_ms else ""
    if step.times == 1:
        return after
    pause = f", {duration(step.pause_ms)} apart" if step.pause_ms else ""
    return f", {step.times} times{pause}{after}"


def _spared(plan: Plan) -> Iterator[str]:
    """Who has opted out, once each."""
    reasons = {id_: reason for step in plan.steps for id_, reason in step.left_out.items()}
    opted_out = [id_ for id_, reason in reasons.items() if "opted out" in reason]
    if opted_out:
        yield f" not     {' · '.join(f'{id_} (opted out)' for id_ in opted_out)}"


def _bar(count: int, total: int, *, unicode: bool) -> str:
    filled = round(BAR_WIDTH * count / total) if total else 0
    full, empty = ("█", "░") if unicode else ("#", ".")
    return full * filled + empty * (BAR_WIDTH - filled)


def _percent(count: int, total: int) -> str:
    return f"{count / total:.0%}" if total else "0%"


def _kept(plan: Plan) -> str:
    words = []
    if plan.limits.get("instances"):
        words.append(f"limit {plan.limits['instances']} instances")
    if plan.limits.get("per-zone"):
        words.append(f"{plan.limits['per-zone']} per zone")
    if plan.limits.get("min-healthy"):
        words.append(f"{plan.limits['min-healthy']} healthy per service")
    return f"   {', '.join(words)}: kept" if words else ""


def _labelled(label: str, texts: tuple[str, ...]) -> Iterator[str]:
    for number, text in enumerate(texts):
        yield f" {label if number == 0 else '':<7} {text}"


def _time(plan: Plan) -> str:
    return (
        f"{duration(plan.baseline_ms)} baseline + {duration(plan.fault_ms)} fault + up to "
        f"{duration(plan.recovery_ms)} recovery; warm-up and checks included at most "
        f"{duration(plan.at_most_ms)}"
    )


def _explained(plan: Plan) -> Iterator[str]:
    for step in plan.steps:
        yield f"{step.fault}: chosen"
        for one in step.targets:
            yield f"  {one.id}  {one.service:<10} {one.zone:<12} {one.address}"
        if step.left_out:
            yield f"{step.fault}: left out"
        for id_, reason in step.left_out.items():
            yield f"  {id_}  {reason}"
