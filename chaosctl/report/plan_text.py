"""A plan as people read it: what, to whom, how far, judged how, stopped and undone by what."""

from __future__ import annotations

from collections.abc import Iterator

from chaosctl.engine.plan import Plan, PlannedStep
from chaosctl.report.symbols import duration

BAR_WIDTH = 33


def render_plan(plan: Plan, *, unicode: bool = True, explain: bool = False) -> str:
    """The plan, one labelled line a subject; explain: why each instance was chosen or left out."""
    total = sum(plan.population.values())
    hit = sum(plan.hit.values())
    lines = [f"{plan.experiment} · {plan.title}      seed {plan.seed}", ""]
    for step in plan.steps:
        lines += _step(step, total)
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


def _step(step: PlannedStep, total: int) -> Iterator[str]:
    zones = sorted({instance.zone for instance in step.targets})
    count = len(step.targets)
    parameters = " ".join(f"{key}={value}" for key, value in step.parameters.items())
    told = f" ({parameters})" if parameters else ""
    yield (
        f" will    {step.fault}{told} on {count} of {total} instances ({_percent(count, total)}) "
        f"in {', '.join(zones)}, for {duration(step.for_ms)}"
    )
    opted_out = [id_ for id_, reason in step.left_out.items() if "opted out" in reason]
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
