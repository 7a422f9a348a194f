"""Whether a file is there, what stands in it, how old it is."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaosctl.probes.answer import OUTPUT_BYTES_MAX, Answer, Probe, met, unmet
from chaosctl.probes.expecting import Expectation


@dataclass(frozen=True, slots=True)
class FileProbe:
    """One look at a file. newer_than_s: None if its age does not matter. now_s: epoch seconds."""

    path: Path
    expect: Expectation
    exists: bool = True
    newer_than_s: float | None = None
    now_s: Callable[[], float] = time.time

    def ask(self, timeout_s: float) -> Answer:
        """The file held against what is wanted."""
        try:
            data, age_s = _look(self.path, self.now_s)
        except FileNotFoundError:
            return self._absent()
        except OSError as error:
            return unmet((error.strerror or "cannot be read").lower(), self.expect.take)
        if not self.exists:
            return unmet("exists", self.expect.take)
        if self.newer_than_s is not None and age_s > self.newer_than_s:
            return unmet(f"{age_s:.0f} s old, not newer than {self.newer_than_s:g} s")
        if self.expect.take == "age":
            return Answer(age_s, f"{age_s:.1f} s old")
        return self.expect.judge(data, 0.0, "exists")

    def _absent(self) -> Answer:
        if not self.exists:
            return met("does not exist")
        return unmet("does not exist", self.expect.take)


def file_probe(parameters: Mapping[str, Any]) -> Probe:
    """From a document's parameters."""
    expect = parameters.get("expect", {})
    newer_ms = expect.get("newer-than")
    return FileProbe(
        Path(parameters["path"]),
        Expectation.of(parameters),
        exists=expect.get("exists", True),
        newer_than_s=None if newer_ms is None else newer_ms / 1000,
    )


def _look(path: Path, now_s: Callable[[], float]) -> tuple[bytes, float]:
    """The beginning of the file, and its age in seconds; of what is no plain file nothing is read.

    Opened so that a pipe without a writer does not make it wait.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        found = os.fstat(descriptor)
        is_plain = stat.S_ISREG(found.st_mode)
        data = os.read(descriptor, OUTPUT_BYTES_MAX + 1) if is_plain else b""
        return data, max(0.0, now_s() - found.st_mtime)
    finally:
        os.close(descriptor)
