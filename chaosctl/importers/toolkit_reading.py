"""Reads a whole Chaos Toolkit document: every error at its place, every difference as a warning."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chaosctl.drivers.activities.activity import Activity
from chaosctl.drivers.activities.given import CONVERSIONS
from chaosctl.errors import InvalidExperiment
from chaosctl.experiment import nodes, units
from chaosctl.experiment.forms import did_you_mean, kind_of
from chaosctl.experiment.nodes import Mapping, Node
from chaosctl.importers.toolkit_activities import Reader
from chaosctl.importers.toolkit_document import (
    ROLLBACK_STRATEGIES,
    STRATEGIES,
    Own,
    ToolkitDocument,
)
from chaosctl.importers.toolkit_nodes import near, plain, read_tree, without_literals
from chaosctl.importers.toolkit_warnings import warn

VITAL = (
    *("steady-state-hypothesis", "method", "rollbacks", "configuration", "secrets", "runtime"),
    "extensions",
)
TOP = ("title", "description", "version", "tags", "controls", "contributions", *VITAL)
OWN_EXTENSION = "chaosctl"
KINDS = ("test", "real")
OWN_TIMES = {"baseline": "baseline_ms", "recovery": "recovery_ms", "every": "every_ms"}


def read_toolkit(
    text: str, source: str, *, settings: Sequence[str] = (), name: str = ""
) -> ToolkitDocument:
    """The document, checked. Raises InvalidExperiment with every problem, sorted by place."""
    reader = Reader()
    root = read_tree(text, source, tuple(settings), reader.notes)
    document = _document(root, reader) if isinstance(root, Mapping) else None
    if document is None or not isinstance(root, Mapping):
        reader.notes.add(root.place, f"expected a document, found {kind_of(root)}", "as in {…}")
    if document is None or reader.notes.problems or not isinstance(root, Mapping):
        raise InvalidExperiment(reader.notes.sorted())
    warn(document, root, reader)
    digest = hashlib.sha256("\n".join((text, *settings)).encode()).hexdigest()
    return ToolkitDocument(
        **{
            **{key: getattr(document, key) for key in ToolkitDocument.__dataclass_fields__},
            "name": name or Path(source).stem,
            "source": source,
            "text": without_literals(text, root),
            "sha256": digest,
            "warnings": tuple(reader.warnings.sorted()),
        }
    )


def _document(root: Mapping, reader: Reader) -> ToolkitDocument:
    reader.keys(root, TOP, VITAL, "the document")
    title, description = (_text(root, key, reader) for key in ("title", "description"))
    if root.get("method") is None and not _is_misspelt(root, "method"):
        reader.notes.add(root.place, "the document lacks its method", "add 'method', if only []")
    probes = _probes(root.get("steady-state-hypothesis"), reader)
    method = reader.activities(root.get("method"), "the method")
    rollbacks = reader.activities(root.get("rollbacks"), "the rollbacks")
    probes, method, rollbacks = map(reader.resolve, (probes, method, rollbacks))
    for probe in probes:
        if not probe.has_tolerance:
            place = near(root, "steady-state-hypothesis", "probes")
            reader.notes.add(place, f"probe '{probe.name}' lacks its tolerance", "add 'tolerance'")
    _refuse_twins(root, probes, reader)
    return ToolkitDocument(
        title=title,
        description=description,
        probes=probes,
        method=method,
        rollbacks=rollbacks,
        configuration=_configuration(root.get("configuration"), reader),
        secrets=_secrets(root.get("secrets"), reader),
        strategy=_strategy(root, reader),
        own=_own(root.get("extensions"), reader),
    )


def _is_misspelt(root: Mapping, name: str) -> bool:
    return any(did_you_mean(key.text, [name]) for key, _ in root.entries if key.text != name)


def _text(root: Mapping, key: str, reader: Reader) -> str:
    node = root.get(key)
    if node is None:
        if not _is_misspelt(root, key):
            reader.notes.add(root.place, f"the document lacks its {key}", f"add '{key}'")
        return ""
    value = plain(node)
    if not isinstance(value, str) or not value.strip():
        reader.notes.add(node.place, f"expected a {key}, found {kind_of(node)}", "write it")
        return ""
    return " ".join(value.split())


def _probes(node: Node | None, reader: Reader) -> tuple[Activity, ...]:
    if node is None:
        return ()
    if not isinstance(node, Mapping):
        what = f"expected a hypothesis, found {kind_of(node)}"
        reader.notes.add(node.place, what, "as in {title: …, probes: […]}")
        return ()
    reader.keys(node, ("title", "probes", "controls"), ("probes",), "the hypothesis")
    if node.get("probes") is None and not _is_misspelt(node, "probes"):
        reader.notes.add(node.place, "the hypothesis lacks its probes", "add 'probes'")
    return reader.activities(node.get("probes"), "the hypothesis")


def _refuse_twins(root: Mapping, probes: tuple[Activity, ...], reader: Reader) -> None:
    names = [probe.name for probe in probes]
    for name in sorted({name for name in names if names.count(name) > 1}):
        place = near(root, "steady-state-hypothesis", "probes")
        reader.notes.add(place, f"two probes have the name '{name}'", "give each its own")


def _configuration(node: Node | None, reader: Reader) -> dict[str, Any]:
    if node is None:
        return {}
    if not isinstance(node, Mapping):
        reader.notes.add(node.place, "configuration is a map", "as in {name: value}")
        return {}
    found: dict[str, Any] = {}
    for key, value in node.entries:
        entry = plain(value)
        if isinstance(value, Mapping) and entry.get("type") == "probe":
            whole = Mapping(
                value.place,
                (*value.entries, *((key.__class__(key.place, "name", "name"), key),))
                if value.get("name") is None
                else value.entries,
            )
            probe = reader.activity(whole, "the configuration")
            if probe is not None:
                found[key.text] = {"type": "probe", "activity": probe.as_json()}
            continue
        _check_entry(value, entry, reader)
        found[key.text] = entry
    return found


def _secrets(node: Node | None, reader: Reader) -> dict[str, dict[str, Any]]:
    if node is None:
        return {}
    if not isinstance(node, Mapping):
        reader.notes.add(node.place, "secrets are maps by scope", "as in {scope: {name: …}}")
        return {}
    found: dict[str, dict[str, Any]] = {}
    for scope, block in node.entries:
        if not isinstance(block, Mapping):
            fix = f"as in {{{scope.text}: {{name: {{type: env, key: NAME}}}}}}"
            reader.notes.add(block.place, f"scope '{scope.text}' is no map of secrets", fix)
            continue
        found[scope.text] = {}
        for key, value in block.entries:
            entry = plain(value)
            _check_entry(value, entry, reader)
            found[scope.text][key.text] = entry
            is_elsewhere = isinstance(entry, dict) and entry.get("type") in ("env", "vault")
            if not is_elsewhere:
                what = f"secret '{key.text}' stands in the document as plain text"
                fix = "read it from the environment: {type: env, key: NAME}"
                reader.warnings.add(value.place, what, fix)
    return found


def _check_entry(node: Node, entry: Any, reader: Reader) -> None:
    """An entry that names where it comes from must name it well."""
    if not isinstance(node, Mapping) or not isinstance(entry, dict):
        return
    kind = entry.get("type")
    if kind == "vault":
        what = "secrets from a vault are not supported"
        fix = "put it into the environment first, and read it with {type: env, key: NAME}"
        reader.notes.add(node.place, what, fix)
    elif kind == "env":
        known = ("type", "key", "default", "env_var_type")
        reader.keys(node, known, known, "an entry of type env")
        if not isinstance(entry.get("key"), str):
            reader.notes.add(node.place, "an entry of type env lacks its key", "add 'key: NAME'")
        if entry.get("env_var_type", "str") not in CONVERSIONS:
            place = near(node, "env_var_type")
            what = f"unknown type '{entry['env_var_type']}'"
            reader.notes.add(place, what, f"one of {', '.join(CONVERSIONS)}")


def _strategy(root: Mapping, reader: Reader) -> str:
    runtime = root.get("runtime")
    if runtime is None:
        return "default"
    if not isinstance(runtime, Mapping):
        reader.notes.add(runtime.place, "runtime is a map", "as in {hypothesis: {strategy: …}}")
        return "default"
    known = ("hypothesis", "rollbacks")
    reader.keys(runtime, known, known, "runtime")
    _choice(runtime, "rollbacks", ROLLBACK_STRATEGIES, reader)
    return _choice(runtime, "hypothesis", STRATEGIES, reader)


def _choice(runtime: Mapping, key: str, known: tuple[str, ...], reader: Reader) -> str:
    block = runtime.get(key)
    strategy = block.get("strategy") if isinstance(block, Mapping) else None
    if isinstance(block, Mapping):
        reader.keys(block, ("strategy",), ("strategy",), key)
    if strategy is None:
        return "default"
    word = str(plain(strategy))
    if word not in known:
        fix = did_you_mean(word, known) + f"one of {', '.join(known)}"
        reader.notes.add(strategy.place, f"unknown strategy '{word}'", fix)
    return word


def _own(node: Node | None, reader: Reader) -> Own:
    """What an extension says to us; those for others are left alone."""
    if not isinstance(node, nodes.Sequence):
        return Own()
    found: dict[str, Any] = {}
    for item in node.items:
        if not isinstance(item, Mapping) or plain(item).get("name") != OWN_EXTENSION:
            continue
        known = ("name", "target", "kind", *OWN_TIMES)
        reader.keys(item, known, known, "the extension 'chaosctl'")
        for key, value in item.entries:
            if key.text == "target":
                found["target"] = str(plain(value))
            elif key.text == "kind":
                found["kind"] = str(plain(value))
                if found["kind"] not in KINDS:
                    what = f"unknown kind '{found['kind']}'"
                    reader.notes.add(value.place, what, f"one of {', '.join(KINDS)}")
            elif key.text in OWN_TIMES:
                try:
                    found[OWN_TIMES[key.text]] = max(1000, units.parse_duration(plain(value)))
                except units.BadUnit as bad:
                    reader.notes.add(value.place, bad.what, bad.fix)
    return Own(**found)
