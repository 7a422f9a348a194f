"""What groups start their instances from: launch configurations and launch templates, by name.

A configuration is a group's own kind of recipe, a template EC2's; both say which image. Each
service has a template of its name from the beginning.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

TEMPLATE_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Launch:
    """A recipe. instance_type: kept and told, and of no effect."""

    name: str
    region: str
    image: str
    is_template: bool
    instance_type: str = ""
    created_ms: int = 0

    @property
    def id(self) -> str:
        """Of a template; the same for the same name."""
        return template_id(self.name)


@dataclass(slots=True)
class Launches:
    """Those that were made, by region and name."""

    configurations: dict[tuple[str, str], Launch] = field(default_factory=dict)
    templates: dict[tuple[str, str], Launch] = field(default_factory=dict)

    def put(self, launch: Launch) -> None:
        """Keep a new one."""
        kept = self.templates if launch.is_template else self.configurations
        kept[launch.region, launch.name] = launch

    def template(self, region: str, *, name: str | None, number: str | None) -> Launch | None:
        """The template of that name or id."""
        for launch in self.templates.values():
            if launch.region == region and (launch.name == name or launch.id == number):
                return launch
        return None


def template_id(name: str) -> str:
    """The id of the template of that name."""
    return "lt-" + hashlib.sha256(name.encode()).hexdigest()[:17]
