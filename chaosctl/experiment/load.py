"""Documents: find one by name or path, read it, and make an Experiment of it, or say all errors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from chaosctl.errors import InvalidExperiment, Problem
from chaosctl.experiment.document import document_form
from chaosctl.experiment.forms import WRONG, MapForm, Notes, did_you_mean
from chaosctl.experiment.model import Experiment
from chaosctl.experiment.nodes import (
    SIZE_BYTES_MAX,
    Mapping,
    Node,
    Place,
    Text,
    Unreadable,
    compose,
)
from chaosctl.experiment.settings import override
from chaosctl.experiment.steps import Faults
from monkeys.faults import FAULTS

SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Document:
    """A document as found: its short name, where it came from, and its text."""

    name: str
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """An experiment, and the text and `--set` settings it was made from.

    origin: the document of another tool that it was read from; None: it is one of ours.
    """

    experiment: Experiment
    text: str
    settings: tuple[str, ...] = ()
    origin: Any = None


def bundled_names() -> list[str]:
    """Names of the experiments that come with the product, sorted; lessons apart."""
    return _names_in("")


def lesson_names() -> list[str]:
    """Names of the lessons' experiments, sorted: each lesson has a flawed and a fixed one."""
    return _names_in("lessons/")


def bundled_source(name: str) -> str | None:
    """Where a bundled experiment or a lesson stands, or None if there is none of that name."""
    for folder in ("", "lessons/"):
        if name in _names_in(folder):
            return f"experiments/{folder}{name}.yaml"
    return None


def _names_in(folder: str) -> list[str]:
    names = (entry.name for entry in resources.files("experiments").joinpath(folder).iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def find(name_or_path: str) -> Document:
    """The bundled experiment of that name, or the file. Raises InvalidExperiment."""
    path = Path(name_or_path)
    looks_like_path = len(path.parts) > 1 or path.suffix in SUFFIXES
    if not looks_like_path and (source := bundled_source(name_or_path)):
        entry = resources.files("experiments") / source.removeprefix("experiments/")
        return Document(name_or_path, source, decode(entry.read_bytes(), source))
    if not looks_like_path and not path.is_file():
        names = bundled_names()
        near = did_you_mean(name_or_path, [*names, *lesson_names()])
        there = f"there is: {', '.join(names)}; a lesson of `chaosctl list lessons`"
        fix = f"{near}{there}; or give a file"
        raise InvalidExperiment([Problem(f"no experiment '{name_or_path}'", "", fix)])
    return Document(path.stem, name_or_path, decode(_read(path, name_or_path), name_or_path))


def _read(path: Path, source: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(SIZE_BYTES_MAX + 1)
    except OSError as error:
        beside = [str(p) for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        near = did_you_mean(source, [*beside, *bundled_names(), *lesson_names()])
        fix = f"{near}give a file, or one of `chaosctl list experiments`"
        what = f"cannot read the file: {(error.strerror or 'unknown error').lower()}"
        raise InvalidExperiment([Problem(what, source, fix)]) from error


def decode(data: bytes, source: str) -> str:
    """The text of a file. Raises InvalidExperiment for what is too large or no UTF-8 text."""
    if len(data) > SIZE_BYTES_MAX:
        what = f"the document is larger than {SIZE_BYTES_MAX // 1_000_000} MB"
        fix = "split it into several experiments"
        raise InvalidExperiment([Problem(what, source, fix)])
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        what, fix = "this is a binary file, not an experiment", "give a YAML file"
        raise InvalidExperiment([Problem(what, source, fix)])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8-sig", "replace")
        line = good.count("\n") + 1
        column = len(good) - (good.rfind("\n") + 1) + 1
        lines = data.decode("utf-8-sig", "replace").splitlines()
        place = Place(Text(source, tuple(lines)), line, column)
        what = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise InvalidExperiment([place.problem(what, "save the file as UTF-8")]) from error


def load(
    text: str, source: str, faults: Faults, *, settings: tuple[str, ...] = (), name: str = ""
) -> Experiment:
    """The experiment of a document's text, with `--set` settings applied.

    source: the name errors give it. Raises InvalidExperiment with every problem, sorted by place.
    """
    origin = Text.of(source, text)
    notes = Notes()
    try:
        root, notes.problems = compose(origin, text)
    except Unreadable as error:
        raise InvalidExperiment([error.problem]) from error
    if root is None:
        fix = "`chaosctl schema` shows what belongs in it"
        raise InvalidExperiment([Problem("the document is empty", source, fix)])
    form = document_form(faults)
    _refuse_stranger(root, form, source)
    root = override(root, settings, notes)
    experiment = form.read(root, notes)
    if notes.problems or experiment is WRONG:
        raise InvalidExperiment(notes.sorted())
    digest = hashlib.sha256("\n".join((text, *settings)).encode()).hexdigest()
    result: Experiment = replace(
        experiment, name=name or Path(source).stem, source=source, sha256=digest
    )
    return result


def _refuse_stranger(root: Node, form: MapForm, source: str) -> None:
    """Refuse at once what shares no key with an experiment.

    Its lines are not shown: it may be any file at all, with secrets in it.
    """
    names = [key.text for key, _ in root.entries] if isinstance(root, Mapping) else []
    if any(name in form.keys or did_you_mean(name, form.keys) for name in names):
        return
    fix = f"give an experiment; its keys: {', '.join(form.keys)}"
    raise InvalidExperiment([Problem("this is no experiment", source, fix)])


def load_found(found: Document, settings: Sequence[str] = (), faults: Faults = FAULTS) -> Loaded:
    """The experiment of a document that `find` found, with `--set` settings applied."""
    experiment = load(found.text, found.source, faults, settings=tuple(settings), name=found.name)
    return Loaded(experiment, found.text, tuple(settings))


def load_bundled(name: str) -> Experiment:
    """A bundled experiment, as it stands."""
    return load_found(find(name)).experiment
