"""The watched folder: which filters are in force, as its files come, change and go.

A file in the folder takes the place of the filter of the same name that comes with the edge. One
that fails to load changes nothing: what was in force under its name stays in force, and the failure
is kept to be told.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from demo_platform.errors import DemoError
from demo_platform.zuul.filters import Filter, load

FILES_MAX = 64
SUFFIX = ".py"

_Stamp = tuple[int, int, int]

_log = logging.getLogger(__name__)


class FilterFolder:
    """The filters of one edge."""

    def __init__(self, path: Path, built_in: Sequence[Filter]) -> None:
        self.path = path
        self.problems: dict[str, DemoError] = {}
        self.loads = 0
        self._built_in = {one.name: one for one in built_in}
        self._loaded: dict[str, Filter] = {}
        self._stamps: dict[str, _Stamp] = {}
        self._folder_problem = ""

    def filters(self) -> tuple[Filter, ...]:
        """All that are in force."""
        return tuple((self._built_in | self._loaded).values())

    def look(self) -> bool:
        """Load what has changed; whether anything that is in force has."""
        try:
            stamps = self._scan()
        except OSError as error:
            self._report_folder(error)
            return False
        if stamps == self._stamps and not self._folder_problem:
            return False
        self._folder_problem = ""
        self.problems.pop(str(self.path), None)
        before = dict(self._loaded)
        for file in self._stamps.keys() - stamps.keys():
            self._loaded.pop(file.removesuffix(SUFFIX), None)
            self.problems.pop(file, None)
        for file, stamp in stamps.items():
            if self._stamps.get(file) != stamp:
                self._load(file)
        self._stamps = stamps
        return self._loaded != before

    def _scan(self) -> dict[str, _Stamp]:
        """Every file's identity, by name."""
        with os.scandir(self.path) as entries:
            files = sorted(
                (entry.name, entry.stat())
                for entry in entries
                if entry.name.endswith(SUFFIX) and not entry.name.startswith(".")
            )
        if len(files) > FILES_MAX:
            self._note("too many", f"{len(files)} filters", f"keep {FILES_MAX} at most")
        else:
            self.problems.pop("too many", None)
        return {
            name: (status.st_mtime_ns, status.st_size, status.st_ino)
            for name, status in files[:FILES_MAX]
        }

    def _load(self, file: str) -> None:
        try:
            loaded = load(self.path / file)
        except DemoError as error:
            self.problems[file] = error
            _log.warning("filter not loaded, the one before stays: %s", error)
            return
        self.problems.pop(file, None)
        self.loads += 1
        self._loaded[loaded.name] = loaded
        _log.warning("filter loaded: %s", loaded.source)

    def _report_folder(self, error: OSError) -> None:
        what = f"cannot be read: {error.strerror}"
        if self._folder_problem != what:
            self._folder_problem = what
            self._note(str(self.path), what, "make it readable; until then nothing changes")

    def _note(self, key: str, what: str, fix: str) -> None:
        if key not in self.problems:
            self.problems[key] = DemoError(what, where=str(self.path), fix=fix)
            _log.warning("filters: %s", self.problems[key])
