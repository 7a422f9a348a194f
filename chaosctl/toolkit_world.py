"""From a Chaos Toolkit document to a world that a run can break, watch and take back."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from chaosctl.context import Context
from chaosctl.drivers.activities.activity import Activity, Surroundings
from chaosctl.drivers.activities.given import Given, look_up
from chaosctl.drivers.activities.looking import Looking
from chaosctl.drivers.activities.performing import Performer
from chaosctl.drivers.toolkit import ToolkitMethod, ToolkitTarget, make_records
from chaosctl.engine.plan import Plan, plan_experiment
from chaosctl.engine.run import World
from chaosctl.engine.script import Performed, ScriptStep
from chaosctl.errors import NotStarted
from chaosctl.importers.toolkit_document import DURING, ToolkitDocument, groups
from chaosctl.importers.toolkit_experiment import as_experiment
from chaosctl.judge.hypothesis import CheckState
from chaosctl.judge.samples import Span
from monkeys.errors import MonkeyError
from monkeys.target import Fault, RecordIds, UndoRecord

Say = Callable[[str], None]
FAULTS: dict[str, type[Fault]] = {"toolkit-method": ToolkitMethod}
PYTHON = "CHAOSCTL_TOOLKIT_PYTHON"
LOOK_S = 1.0
"""How long the probes that showed the fault may take to say whether they still do."""

UNJUDGED = {
    "": "the document has no hypothesis",
    "skip": "strategy 'skip': the hypothesis was not looked at",
    "before-method-only": "strategy 'before-method-only': the hypothesis was not looked at",
}


def plan_toolkit(document: ToolkitDocument, seed: int, guards: tuple[str, ...] = ()) -> Plan:
    """The plan of a document; touches nothing."""
    target = ToolkitTarget(document.own.target)
    return plan_experiment(
        as_experiment(document),
        faults=FAULTS,
        instances=target.instances(),
        target_id=target.id,
        lacks=target.lacks,
        seed=seed,
        guards=guards,
    )


class ToolkitWorld:
    """Opens the world of one document, and closes it again."""

    def __init__(self, document: ToolkitDocument, context: Context, *, trusts: bool) -> None:
        self._document, self._context, self._trusts = document, context, trusts
        self._looking: Looking | None = None

    def __call__(self, say: Say) -> World:
        """Look up what the document was given, and begin to ask its probes."""
        document, context = self._document, self._context
        where = _surroundings(document, context)
        given = _give(document, context, where, say)
        looker = Performer(given, replace(where, marker=f"{where.marker}-looking"))
        probes = document.probes if document.strategy != "skip" else ()
        self._looking = Looking(
            probes, looker, every_ms=document.own.every_ms, now_ms=context.now_ms
        )
        script = ToolkitScript(document, given, where, self._looking, looker, self._trusts)
        return World(
            target=ToolkitTarget(document.own.target),
            store=self._looking,
            about={"document": document.source, "trust_actions": self._trusts},
            explain=partial(_explain, self._looking),
            script=script,
        )

    def close(self) -> None:
        """Ask no more."""
        if self._looking is not None:
            self._looking.end()


def _surroundings(document: ToolkitDocument, context: Context) -> Surroundings:
    folder = Path(document.source).absolute().parent
    cwd = Path.cwd()
    return Surroundings(
        cwd=str(cwd),
        paths=tuple(dict.fromkeys((str(cwd), str(folder)))),
        python=context.env.get(PYTHON) or sys.executable,
        marker=f"chaosctl-toolkit-{context.rng.getrandbits(64):016x}",
    )


def _give(document: ToolkitDocument, context: Context, where: Surroundings, say: Say) -> Given:
    """Configuration and secrets. Raises NotStarted for what cannot be had."""
    try:
        given = look_up(document.configuration, document.secrets, context.env)
    except MonkeyError as error:
        raise NotStarted(error.what, where=error.where, fix=error.fix) from error
    configuration = dict(given.configuration)
    performer = Performer(given, where)
    for key, entry in given.configuration.items():
        if not (isinstance(entry, Mapping) and entry.get("type") == "probe"):
            continue
        activity = Activity.from_json(entry["activity"])
        answer = performer.perform(activity)
        if not answer.ok:
            raise NotStarted(
                f"its probe failed: {answer.text}",
                where=f"configuration.{key}",
                fix="see what the probe says, or give a value",
            )
        value = _configured(activity, answer.value)
        if value is None:
            say(f"configuration {key!r} is left out: its probe {answer.text}")
            del configuration[key]
        else:
            configuration[key] = value
    return Given(configuration, given.secrets)


def _configured(activity: Activity, value: Any) -> Any:
    """A function's value, a process' output without the blanks around it, an answer's body."""
    kind = activity.provider["type"]
    if kind == "process":
        return value["stdout"].strip() if value["status"] == 0 else None
    return value["body"] if kind == "http" else value


def _explain(looking: Looking, state: CheckState, _baseline: Span, _end_ms: int) -> list[str]:
    """What the probe of a broken check said."""
    text = looking.last_trouble(state.name)
    return [f"the probe said: {text}"] if text else []


@dataclass
class ToolkitScript:
    """The method of a document, for the engine."""

    document: ToolkitDocument
    given: Given
    where: Surroundings
    looking: Looking
    looker: Performer
    trusts: bool
    steps: tuple[ScriptStep, ...] = ()
    fault: Fault = field(default_factory=ToolkitMethod)
    unjudged: str = ""
    is_judged_throughout: bool = False

    def __post_init__(self) -> None:
        document = self.document
        self._performer = Performer(self.given, self.where)
        self._showing: list[Activity] = []
        self.steps = tuple(self._step(number) for number in range(len(document.method)))
        self.fault = ToolkitMethod(still_shown=self._still_shown)
        if not document.is_judged:
            self.unjudged = UNJUDGED[document.strategy if document.probes else ""]
        self.is_judged_throughout = document.strategy in DURING

    def records(self, ids: RecordIds) -> tuple[UndoRecord, ...]:
        """One for each rollback, and one for what may still run."""
        return make_records(
            self.document.rollbacks,
            self.where,
            given=self.given,
            secrets=self.document.secrets,
            document=str(Path(self.document.source).absolute()),
            instances=tuple(ToolkitTarget(self.document.own.target).instances()),
            ids=ids,
        )

    def has_looked_since(self, at_ms: int) -> bool:
        """Whether each probe of the hypothesis was asked since then."""
        return self.looking.has_looked_since(at_ms)

    def saw(self, probe: str) -> None:
        """Remember who will have to see the fault gone."""
        if self.document.rollbacks:
            self._showing += [each for each in self.document.method if each.name == probe]

    def end(self) -> None:
        """End what runs."""
        self._performer.end_all()

    def _step(self, number: int) -> ScriptStep:
        activity = self.document.method[number]
        observers: tuple[int, ...] = ()
        observes: tuple[str, ...] = ()
        for group in groups(self.document.method):
            if group.actions[0] == number:
                observers = group.observers
            if number in group.observers:
                observes = tuple(self.document.method[n].name for n in group.actions)
        seconds = partial(self._performer.seconds, scopes=activity.secrets)
        return ScriptStep(
            name=activity.name,
            is_action=activity.is_action,
            perform=partial(self._perform, activity),
            limit_ms=round(1000 * seconds(activity.limit_s)),
            pause_before_ms=round(1000 * seconds(activity.pause_before)),
            pause_after_ms=round(1000 * seconds(activity.pause_after)),
            is_background=activity.is_background,
            observers=observers,
            observes=observes,
        )

    def _perform(self, activity: Activity) -> Performed:
        answer = self._performer.perform(activity)
        if activity.is_action:
            trouble = self._performer.did(activity, answer)
            return Performed(not trouble, trouble or answer.text)
        if activity.has_tolerance:
            return Performed(self._performer.is_within(activity, answer), answer.text)
        return Performed(answer.ok, answer.text)

    def _still_shown(self) -> tuple[str, ...]:
        """Asked side by side; one that does not answer in time still shows it, for all we know."""
        replies: queue.SimpleQueue[tuple[str, bool]] = queue.SimpleQueue()

        def ask(probe: Activity) -> None:
            answer = self.looker.perform(probe)
            replies.put((probe.name, self.looker.is_within(probe, answer)))

        for probe in self._showing:
            threading.Thread(target=ask, args=(probe,), daemon=True).start()
        shown = {probe.name for probe in self._showing}
        until = time.monotonic() + LOOK_S
        while shown:
            try:
                name, is_shown = replies.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if is_shown:
                break
            shown.discard(name)
        return tuple(sorted(shown))
