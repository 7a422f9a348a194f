"""Settings of the machine and of its user, from `chaosctl.toml`: guards that hold for every run.

The machine's file and the user's are both read, and the guards of both hold: nobody loosens what
the machine demands. The tables are read by the forms of the experiment document, so that a key that
is not known is an error here too.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chaosctl.context import Context
from chaosctl.errors import InvalidExperiment, Problem
from chaosctl.experiment.checks import OUTAGE_FORM
from chaosctl.experiment.forms import WRONG, Key, MapForm, Notes
from chaosctl.experiment.guards import guards_form
from chaosctl.experiment.model import Guards
from chaosctl.experiment.nodes import Mapping as MappingNode
from chaosctl.experiment.nodes import Node, Place, Scalar, Sequence, Text

FILE_BYTES_MAX = 1_000_000

FORM = MapForm(
    "the settings",
    {"guards": Key(guards_form(OUTAGE_FORM), "hold for every run, besides the document's own")},
    "[guards]",
)


@dataclass(frozen=True, slots=True)
class Config:
    """What the files say. read, missing: the files that were looked for."""

    guards: tuple[Guards, ...] = ()
    read: tuple[Path, ...] = ()
    missing: tuple[Path, ...] = ()


def load_config(context: Context) -> Config:
    """The settings of this machine and user. Raises InvalidExperiment with every mistake."""
    guards: list[Guards] = []
    read: list[Path] = []
    missing: list[Path] = []
    for path in context.config_files:
        text = _text(path)
        if text is None:
            missing.append(path)
            continue
        read.append(path)
        if found := _guards(path, text):
            guards.append(found)
    return Config(tuple(guards), tuple(read), tuple(missing))


def _text(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        why = (error.strerror or "unknown error").lower()
        # What it demands is not known, so nothing may be broken.
        raise _wrong(path, f"settings cannot be read: {why}", "let the file be read") from error
    if len(data) > FILE_BYTES_MAX:
        raise _wrong(path, f"settings are larger than {FILE_BYTES_MAX // 1_000_000} MB", "cut them")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong(path, "settings are not UTF-8", "save the file as UTF-8") from error


def _guards(path: Path, text: str) -> Guards | None:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what = f"not TOML: {str(error)[:1].lower()}{str(error)[1:]}"
        raise _wrong(path, what, "a table begins with [name], a value is name = value") from error
    except RecursionError as error:
        raise _wrong(path, "nested too deeply", "[guards] needs two levels") from error
    notes = Notes()
    place = Place(Text(str(path), (), is_option=True))
    values = FORM.read(_node(tables, place), notes)
    if notes.problems or values is WRONG:
        raise InvalidExperiment(notes.problems)
    found: Guards | None = values.get("guards")
    return replace(found, source=str(path)) if found else None


def _node(value: Any, place: Place) -> Node:
    """A TOML value as the forms read it; where it stands in the file is not known."""
    if isinstance(value, Mapping):
        entries = tuple((Scalar(place, k, k), _node(v, place)) for k, v in value.items())
        return MappingNode(place, entries)
    if isinstance(value, list):
        return Sequence(place, tuple(_node(item, place) for item in value))
    if isinstance(value, bool):
        return Scalar(place, str(value).lower(), value)
    if isinstance(value, int | float):
        return Scalar(place, str(value), value)
    return Scalar(place, str(value), str(value), is_quoted=True)


def _wrong(path: Path, what: str, fix: str) -> InvalidExperiment:
    return InvalidExperiment([Problem(what, str(path), fix)])
