"""Reads activities and their tolerances, noting what is wrong at its place."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field, replace
from typing import Any

from chaosctl.drivers.activities.activity import LIMIT_S, LIMIT_S_MAX, Activity
from chaosctl.experiment import nodes
from chaosctl.experiment.forms import Notes, did_you_mean, kind_of
from chaosctl.experiment.nodes import Mapping, Node
from chaosctl.importers.toolkit_nodes import key_place, near, plain

ACTIVITY_KEYS = (
    *("type", "name", "provider", "tolerance", "background", "pauses", "controls"),
    *("configuration", "secrets", "timeout", "dry", "ref"),
)
PROVIDERS: AnyMapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # kind: (needed keys, other keys)
    "process": (("path",), ("arguments", "timeout")),
    "python": (("module", "func"), ("arguments",)),
    "http": (
        ("url",),
        ("method", "headers", "arguments", "timeout", "verify_tls", "max_retries"),
    ),
}
EVERYWHERE = ("type", "secrets")
TOLERANCES: AnyMapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "range": (("range",), ("target",)),
    "regex": (("pattern",), ("target",)),
    "jsonpath": (("path",), ("expect", "count", "target")),
    "probe": (("provider",), ("name", "arguments")),
}
PROBE_LIMIT_S = 30.0
"""For a probe of the hypothesis, which is asked again and again."""

_NAME = re.compile(r"^\$\{[^${}]+\}$")


@dataclass(slots=True)
class Reader:
    """Reads one document. notes: what makes it impossible to run; warnings: the rest."""

    notes: Notes = field(default_factory=Notes)
    warnings: Notes = field(default_factory=Notes)
    named: dict[str, Activity] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    """Names of activities with an error of their own."""

    def keys(self, node: Mapping, known: tuple[str, ...], vital: tuple[str, ...], of: str) -> None:
        """Note unknown keys: a misspelt one that matters is an error, any other is left out."""
        for key, _ in node.entries:
            if key.text in known:
                continue
            near_one = did_you_mean(key.text, vital)
            if near_one:
                fix = f"{near_one}left as it is, it would be ignored"
                self.notes.add(key.place, f"unknown key '{key.text}' in {of}", fix)
            else:
                what = f"unknown key '{key.text}' in {of} means nothing"
                self.warnings.add(key.place, what, f"keys here: {', '.join(known)}")

    def activities(self, node: Node | None, of: str) -> tuple[Activity, ...]:
        """A list of activities; a reference is resolved later."""
        if node is None:
            return ()
        if not isinstance(node, nodes.Sequence):
            self.notes.add(
                node.place, f"expected {of} as a list, found {kind_of(node)}", "as in []"
            )
            return ()
        found = (self.activity(item, of) for item in node.items)
        return tuple(one for one in found if one is not None)

    def activity(self, node: Node, of: str) -> Activity | None:
        """One activity, or None after noting why not."""
        if not isinstance(node, Mapping):
            what = f"expected an activity, found {kind_of(node)}"
            self.notes.add(node.place, what, "as in {type: probe, name: …, provider: {…}}")
            return None
        reference = node.get("ref")
        if reference is not None:
            return Activity(f"{REFERENCE}{plain(reference)}", False, {"place": reference.place})
        self.keys(node, ACTIVITY_KEYS, ACTIVITY_KEYS, "an activity")
        before = len(self.notes.problems)
        kind = self._word(node, "type", ("probe", "action"))
        name = plain(near_node(node, "name")) if node.get("name") else None
        if not isinstance(name, str) or not name.strip():
            self.notes.add(node.place, "an activity lacks its name", "add 'name'")
        provider = self.provider(node)
        is_hypothesis = of == "the hypothesis"
        is_misspelt = any(did_you_mean(key.text, ["tolerance"]) for key, _ in node.entries)
        if is_hypothesis and not is_misspelt:
            self.notes.add(node.place, f"probe '{name}' lacks its tolerance", "add 'tolerance'")
        tolerance = self.tolerance(node.get("tolerance"))
        for ignored in ("controls", "dry", "configuration"):
            if node.get(ignored) is not None:
                what = f"'{ignored}' of an activity is not supported and left out"
                self.warnings.add(key_place(node, ignored), what, "it changes nothing here")
        if len(self.notes.problems) > before or provider is None:
            self.broken.add(str(name))
            return None
        default_s = PROBE_LIMIT_S if is_hypothesis else LIMIT_S
        activity = Activity(
            name=str(name),
            is_action=kind == "action",
            provider={k: v for k, v in provider.items() if k not in ("timeout", "secrets")},
            tolerance=tolerance,
            has_tolerance=node.get("tolerance") is not None,
            is_background=bool(plain(near_node(node, "background")))
            if node.get("background")
            else False,
            pause_before=self._pause(node, "before"),
            pause_after=self._pause(node, "after"),
            limit_s=self._limit(node, default_s),
            secrets=_scopes(provider.get("secrets") or plain_or(node, "secrets", ())),
        )
        self.named.setdefault(activity.name, activity)
        return activity

    def provider(self, node: Mapping) -> dict[str, Any] | None:
        """What performs it, checked."""
        inner = node.get("provider")
        if not isinstance(inner, Mapping):
            self.notes.add(node.place, "an activity lacks its provider", "add 'provider'")
            return None
        kind = self._word(inner, "type", tuple(PROVIDERS))
        if kind is None:
            return None
        needed, others = PROVIDERS[kind]
        known = (*EVERYWHERE, *needed, *others)
        self.keys(inner, known, known, f"a provider of type {kind}")
        for key in needed:
            if inner.get(key) is None:
                self.notes.add(
                    inner.place, f"a provider of type {kind} lacks '{key}'", f"add '{key}'"
                )
        found: dict[str, Any] = plain(inner)
        shape = found.get("arguments")
        if kind == "python" and not isinstance(shape, dict | None):
            what = "the arguments of a function are a map"
            self.notes.add(near(inner, "arguments"), what, "as in {name: value}")
        return found

    def tolerance(self, node: Node | None) -> Any:
        """A tolerance in any of its forms."""
        if node is None:
            return None
        value = plain(node)
        if isinstance(value, float) and not math.isfinite(value):
            self.notes.add(node.place, f"a tolerance of {value} is never met", "give a number")
        if not isinstance(node, Mapping):
            return value
        kind = self._word(node, "type", tuple(TOLERANCES))
        if kind is None:
            return None
        needed, others = TOLERANCES[kind]
        known = ("type", *needed, *others, *(("background", "pauses") if kind == "probe" else ()))
        self.keys(node, known, known, f"a tolerance of type {kind}")
        for key in needed:
            if node.get(key) is None:
                self.notes.add(
                    node.place, f"a tolerance of type {kind} lacks '{key}'", f"add '{key}'"
                )
                return None
        if kind == "probe":
            return {**value, "provider": self.provider(node)}
        _CHECKS[kind](self, node, value)
        return value

    def resolve(self, activities: tuple[Activity, ...]) -> tuple[Activity, ...]:
        """The activities with references followed."""
        return tuple(one for one in map(self._resolved, activities) if one is not None)

    def _resolved(self, activity: Activity) -> Activity | None:
        if not activity.name.startswith(REFERENCE):
            return activity
        name = activity.name.removeprefix(REFERENCE)
        if name in self.named:
            return replace(self.named[name])
        if name in self.broken:
            return None
        what = f"no activity is named '{name}'"
        self.notes.add(
            activity.provider["place"], what, did_you_mean(name, self.named) or "declare it"
        )
        return None

    def _word(self, node: Mapping, key: str, choices: tuple[str, ...]) -> str | None:
        inner = node.get(key)
        listing = f"one of {', '.join(choices)}"
        if inner is None:
            self.notes.add(node.place, f"'{key}' is missing", f"add '{key}': {listing}")
            return None
        word = plain(inner)
        if word not in choices:
            what = f"'{key}' cannot be {kind_of(inner)}"
            self.notes.add(inner.place, what, did_you_mean(str(word), choices) + listing)
            return None
        return str(word)

    def _pause(self, node: Mapping, which: str) -> float | str:
        pauses = node.get("pauses")
        if pauses is None:
            return 0.0
        if not isinstance(pauses, Mapping):
            self.notes.add(pauses.place, "pauses are a map", "as in {after: 5}")
            return 0.0
        self.keys(pauses, ("before", "after"), ("before", "after"), "pauses")
        inner = pauses.get(which)
        return 0.0 if inner is None else self._seconds(inner, plain(inner))

    def _limit(self, node: Mapping, default_s: float) -> float | str:
        inner = node.get("timeout")
        provider = node.get("provider")
        if inner is None and isinstance(provider, Mapping):
            inner = provider.get("timeout")
        if inner is None:
            return default_s
        value = plain(inner)
        if isinstance(value, list) and len(value) == 2 and all(map(_is_finite, value)):
            value = sum(value)
        return self._seconds(inner, value)

    def _seconds(self, node: Node, value: Any) -> float | str:
        if isinstance(value, str) and _NAME.match(value.strip()):
            return value
        if not _is_finite(value) or not 0 <= value <= LIMIT_S_MAX:
            fix = f"a number of seconds from 0 to {LIMIT_S_MAX:g}, or '${{name}}'"
            self.notes.add(node.place, f"expected seconds, found {kind_of(node)}", fix)
            return 0.0
        return float(value)


REFERENCE = "\0ref:"


def near_node(node: Mapping, key: str) -> Node:
    """The value of a key that is there."""
    found = node.get(key)
    return node if found is None else found


def plain_or(node: Mapping, key: str, default: Any) -> Any:
    """The plain value of a key, or the default."""
    found = node.get(key)
    return default if found is None else plain(found)


def _scopes(written: Any) -> tuple[str, ...]:
    if isinstance(written, str):
        return (written,)
    return tuple(str(one) for one in written) if isinstance(written, list | tuple) else ()


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_range(reader: Reader, node: Mapping, value: dict[str, Any]) -> None:
    bounds = value["range"]
    place = near(node, "range")
    if not isinstance(bounds, list) or len(bounds) != 2 or not all(map(_is_finite, bounds)):
        reader.notes.add(place, "a range has two numbers", "as in [0, 10]")
    elif bounds[0] > bounds[1]:
        fix = f"did you mean [{bounds[1]}, {bounds[0]}]?"
        reader.notes.add(place, "the range is never met: its bounds are the wrong way round", fix)


def _check_regex(reader: Reader, node: Mapping, value: dict[str, Any]) -> None:
    pattern = str(value["pattern"])
    try:
        re.compile(re.sub(r"\$\{[^${}]+\}", "x", pattern))
    except re.error as error:
        reader.notes.add(near(node, "pattern"), f"not a pattern: {error}", "correct it")


def _check_jsonpath(reader: Reader, node: Mapping, value: dict[str, Any]) -> None:
    from jsonpath_ng.exceptions import JSONPathError  # noqa: PLC0415
    from jsonpath_ng.ext.parser import parse  # noqa: PLC0415 - few documents use it

    try:
        parse(str(value["path"]))
    except JSONPathError as error:
        reader.notes.add(near(node, "path"), f"not a JSON path: {error}", "as in $.items[*].name")


_CHECKS = {"range": _check_range, "regex": _check_regex, "jsonpath": _check_jsonpath}
