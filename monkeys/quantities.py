"""Amounts as people write them, by the unit of the field that holds them: `5%`, `2mbit`, `8MiB`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantity:
    """A kind of amount. units: what may stand after the number, to how much of the field's unit."""

    noun: str
    units: Mapping[str, float]
    example: str

    @property
    def pattern(self) -> str:
        """A regular expression of what `read` takes, for schemas."""
        words = "|".join(re.escape(unit) for unit in self.units if unit)
        if not words:
            return r"^([0-9]+)()$"
        return rf"^([0-9]+(?:\.[0-9]+)?)\s*({words}){'?' if '' in self.units else ''}$"

    def read(self, written: object) -> float | None:
        """The amount in the field's unit; None if it is none.

        >>> QUANTITIES["ratio"].read("5%"), QUANTITIES["ratio"].read(0.5)
        (0.05, 0.5)
        >>> QUANTITIES["kbit"].read("2mbit"), QUANTITIES["kbit"].read("2")
        (2000.0, None)
        """
        if isinstance(written, bool):
            return None
        match = re.match(self.pattern, str(written).strip())
        if match is None:
            return None
        unit = match[2] or ""
        value = float(match[1]) * self.units[unit] if unit in self.units else math.nan
        return round(value, 6) if math.isfinite(value) else None

    def spoken(self, value: float) -> str:
        """The amount as it would be written, in the largest unit that leaves no fraction.

        >>> QUANTITIES["ratio"].spoken(0.07), QUANTITIES["kbit"].spoken(2000)
        ('7%', '2mbit')
        """
        fitting = [
            (size, unit)
            for unit, size in self.units.items()
            if unit and abs(value) >= size and _is_whole(value / size)
        ]
        size, unit = max(fitting, default=min((size, unit) for unit, size in self.units.items()))
        return f"{round(value / size, 4):g}{unit}"


QUANTITIES: dict[str, Quantity] = {
    "count": Quantity("a number", {"": 1.0}, "16"),
    "kbit": Quantity("a rate", {"kbit": 1.0, "mbit": 1000.0}, "500kbit or 2mbit"),
    "mib": Quantity("a size", {"MiB": 1.0, "GiB": 1024.0}, "8MiB"),
    "ratio": Quantity("a share", {"%": 0.01, "": 1.0}, "5% or 0.05"),
}


def _is_whole(number: float) -> bool:
    return abs(number - round(number)) < 1e-6
