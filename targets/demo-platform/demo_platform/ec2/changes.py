"""What an evacuation has changed, for whom, and how all of it is taken back at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from demo_platform.ec2.cloud import Cloud
from demo_platform.ec2.faults import AwsFault
from demo_platform.errors import DemoError
from demo_platform.knobs import Knobs


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has a region evacuated, and for how many seconds; without a token it is for good."""

    token: str = ""
    for_s: float = 0.0


FOR_GOOD = Lease()


@dataclass(slots=True)
class Changes:
    """Dials that were turned and groups that were resized: by name, before and now."""

    cloud: Cloud
    knobs: Knobs
    dials: dict[str, tuple[float, float]] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)

    def turn(self, name: str, value: float) -> None:
        """Turn a dial."""
        before, _ = self.dials.get(name, (self.knobs.dial(name), value))
        self.knobs.turn(name, value)
        self.dials[name] = before, value

    def resize(self, name: str, size: int) -> None:
        """Have a group grow or shrink. Raises AwsFault when the machine cannot bear it."""
        group = self.cloud.estate.groups[name]
        if size == group.desired:
            return
        before, _ = self.sizes.get(name, (group.desired, size))
        why = f"an evacuation set the desired capacity from {group.desired} to {size}"
        self.cloud.resize(group, size, why=why)
        self.sizes[name] = before, size

    def take_back(self) -> None:
        """All of it, except where somebody else has changed it since: that is theirs.

        Raises DemoError when a group cannot have its size again; the others have theirs.
        """
        for name, (before, now) in self.dials.items():
            if self.knobs.dial(name) == now:
                self.knobs.turn(name, before)
        self.dials = {}
        refused = ""
        for name, (before, now) in list(self.sizes.items()):
            group = self.cloud.estate.groups[name]
            try:
                if group.desired == now:
                    self.cloud.resize(group, before, why="an evacuation was taken back")
            except AwsFault as fault:
                refused = f"{name} stays at {group.desired}: {fault.message}"
            else:
                del self.sizes[name]
        if refused:
            raise DemoError(refused, where="evacuation", fix="free memory, and do it again")
