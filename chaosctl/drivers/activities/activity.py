"""One activity of a Chaos Toolkit document, as plain values that go into an undo record and back.

What is written as `${name}` stays so until the activity is performed: no secret is in here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

LIMIT_S = 300.0
"""An activity without a time-out of its own is ended after this."""

LIMIT_S_MAX = 3600.0


@dataclass(frozen=True, slots=True)
class Activity:
    """A probe or an action. pauses in seconds, or `${name}`; tolerance None: it has none."""

    name: str
    is_action: bool
    provider: Mapping[str, Any]
    tolerance: Any = None
    has_tolerance: bool = False
    is_background: bool = False
    pause_before: float | str = 0.0
    pause_after: float | str = 0.0
    limit_s: float | str = LIMIT_S
    secrets: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """This as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Activity:
        """What `as_json` wrote."""
        return cls(**{**data, "secrets": tuple(data["secrets"])})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an activity. text: value or trouble in a line, without secrets."""

    ok: bool
    value: Any = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where activities are performed. paths: looked through for modules before the others are."""

    cwd: str
    paths: tuple[str, ...] = ()
    python: str = ""
    marker: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
