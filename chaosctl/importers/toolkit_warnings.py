"""What is different here from where a document comes from, each said at its place."""

from __future__ import annotations

from chaosctl.experiment import nodes
from chaosctl.experiment.nodes import Mapping
from chaosctl.importers.toolkit_activities import Reader
from chaosctl.importers.toolkit_document import DURING, UNJUDGED, ToolkitDocument, groups
from chaosctl.importers.toolkit_nodes import key_place, near

OBSERVE = "add a probe with a tolerance after it, or run with --trust-actions"


def warn(document: ToolkitDocument, root: Mapping, reader: Reader) -> None:
    """Note everything a person should know before the first run."""
    _warn_of_hypothesis(document, root, reader)
    _warn_of_actions(document, root, reader)
    _warn_of_undo(document, root, reader)
    _warn_of_controls(root, reader)


def _warn_of_hypothesis(document: ToolkitDocument, root: Mapping, reader: Reader) -> None:
    if not document.probes:
        what = "there is no hypothesis: the verdict cannot be better than inconclusive"
        reader.warnings.add(root.place, what, "add 'steady-state-hypothesis'")
        return
    place = near(root, "runtime", "hypothesis", "strategy")
    strategy = document.strategy
    if strategy in UNJUDGED:
        what = f"strategy '{strategy}' judges nothing after the method: inconclusive at best"
        reader.warnings.add(place, what, "use 'default' or 'continuously'")
    elif strategy in DURING:
        what = f"strategy '{strategy}': a breach during the method fails the run, healed or not"
        reader.warnings.add(place, what, "stricter here")
    if strategy in ("after-method-only", "during-method-only"):
        what = f"strategy '{strategy}': the hypothesis must hold before the method all the same"
        reader.warnings.add(
            place, what, "stricter here: a sick system would be blamed on the fault"
        )


def _warn_of_actions(document: ToolkitDocument, root: Mapping, reader: Reader) -> None:
    if not document.actions:
        what = "the method has no action: nothing is broken, so the verdict is inconclusive"
        reader.warnings.add(near(root, "method"), what, "add an action")
    for group in groups(document.method):
        for number in group.actions if not group.observers else ():
            name = document.method[number].name
            what = f"nothing observes action '{name}': the verdict is inconclusive"
            reader.warnings.add(near(root, "method", number), what, OBSERVE)
    for number, activity in enumerate(document.method):
        place, kind = near(root, "method", number), activity.provider.get("type")
        if activity.is_action and not activity.has_tolerance and kind in ("process", "http"):
            bad = "a status other than 0" if kind == "process" else "a status of 400 or more"
            what = f"action '{activity.name}' has failed here if it ends with {bad}"
            reader.warnings.add(
                place, what, "stricter here; a tolerance on the action decides instead"
            )


def _warn_of_undo(document: ToolkitDocument, root: Mapping, reader: Reader) -> None:
    if document.actions and not document.rollbacks:
        what = "there are no rollbacks: nothing takes the actions back"
        reader.warnings.add(near(root, "method"), what, "add 'rollbacks', unless they heal alone")
    strategy = near(root, "runtime", "rollbacks", "strategy")
    node = root.get("runtime")
    block = node.get("rollbacks") if isinstance(node, Mapping) else None
    word = block.get("strategy") if isinstance(block, Mapping) else None
    if isinstance(word, nodes.Scalar) and word.text not in ("default", "always"):
        what = f"strategy '{word.text}': rollbacks run here whatever happens"
        reader.warnings.add(strategy, what, "stricter here: no fault is left in place")
    for activity in document.rollbacks:
        if activity.is_background:
            what = f"rollback '{activity.name}' is waited for, although it is in the background"
            reader.warnings.add(near(root, "rollbacks"), what, "stricter here")


def _warn_of_controls(root: Mapping, reader: Reader) -> None:
    hypothesis = root.get("steady-state-hypothesis")
    for node in (root, hypothesis):
        if isinstance(node, Mapping) and node.get("controls") is not None:
            what = "controls are not supported and left out"
            reader.warnings.add(key_place(node, "controls"), what, "what they do does not happen")
