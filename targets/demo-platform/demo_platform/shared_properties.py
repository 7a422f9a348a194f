"""Properties that every process of the platform sees change at once, for all or for some of them.

Like the knobs they live in memory that is shared by fork, so an instance that starts later sees
them too. The supervisor alone writes: a version that is odd while it does, and then a document,

    {"all": {"hystrix.command.recs.circuitBreaker.forceOpen": true}, "api": {…}, "i-1a2b3c4d": {…}}

by scope: everybody, the instances of a service, a single instance. The narrower scope wins.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence

import msgspec

from demo_platform.errors import DemoError

SIZE_BYTES = 65536
ALL = "all"

Value = bool | int | str | None
Document = dict[str, dict[str, Value]]

_VERSION, _LENGTH = 0, 1
_HEAD_BYTES = 16


class SharedProperties:
    """The document, shared by every process forked after it was made."""

    __slots__ = ("_head", "_memory")

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, SIZE_BYTES)
        # Aligned numbers are stored by one instruction each, so none is seen half.
        self._head = memoryview(self._memory)[:_HEAD_BYTES].cast("Q")

    @property
    def version(self) -> int:
        """Another number after each change; odd while one is being made."""
        return self._head[_VERSION]

    def read(self) -> Document | None:
        """The document; None when it is being changed right now."""
        version = self.version
        if version % 2:
            return None
        text = self._memory[_HEAD_BYTES : _HEAD_BYTES + self._head[_LENGTH]]
        if self.version != version:
            return None
        return msgspec.json.decode(text, type=Document) if text else {}

    def write(self, document: Document) -> None:
        """Replace the document. Raises DemoError when it is too long."""
        text = msgspec.json.encode(document)
        if len(text) > SIZE_BYTES - _HEAD_BYTES:
            raise DemoError(
                f"the properties take {len(text)} bytes, and there is room for {SIZE_BYTES}",
                where="properties",
                fix="clear some: PUT them as null",
            )
        self._head[_VERSION] += 1
        self._memory[_HEAD_BYTES : _HEAD_BYTES + len(text)] = text
        self._head[_LENGTH] = len(text)
        self._head[_VERSION] += 1


class ScopedProperties:
    """What holds for one process; see hystrix.properties.Source."""

    __slots__ = ("_scopes", "_seen", "_shared", "_values")

    def __init__(self, shared: SharedProperties, *, scopes: Sequence[str]) -> None:
        self._shared = shared
        self._scopes = (ALL, *scopes)
        self._seen = 0
        self._values: dict[str, Value] = {}

    @property
    def version(self) -> int:
        """Another number after each change."""
        return self._shared.version

    def get(self, name: str) -> Value:
        """The value set under a full name; None when there is none."""
        if self._shared.version != self._seen:
            self._read()
        return self._values.get(name)

    def under(self, prefix: str) -> dict[str, Value]:
        """All that is set under names with a prefix, by what follows it."""
        if self._shared.version != self._seen:
            self._read()
        return {
            name.removeprefix(prefix): value
            for name, value in self._values.items()
            if name.startswith(prefix)
        }

    def _read(self) -> None:
        """Read the document; while it is being changed what was read last stays in force."""
        version = self._shared.version
        document = self._shared.read()
        if document is None:
            return
        self._values = {}
        for scope in self._scopes:
            self._values |= document.get(scope, {})
        self._seen = version
