"""What a fault may be told: described from its fields, checked, and turned into its fields.

A user writes `delay: 400ms`; the field is `delay_ms` and holds 400. That mapping stands here only.
A field's metadata says: `summary`; `unit` (ms, or one of `monkeys.quantities`) where it has one;
`choices` for a word out of a list; `at_least` and `at_most` for numbers; `user_name` where the
field's name will not do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from monkeys.errors import MonkeyError
from monkeys.quantities import QUANTITIES
from monkeys.selection import is_where_key, where_keys

_UNITS_MS = {"ms": 1.0, "s": 1000.0, "m": 60_000.0, "h": 3_600_000.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")


class ParameterType(StrEnum):
    """The shapes a parameter can have."""

    DURATION = "duration"
    QUANTITY = "quantity"
    CHOICE = "choice"
    WHERE = "where"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a fault, as documents, help texts and schemas show it.

    default: the field's value; None when the parameter must be given.
    at_least, at_most: in the field's unit; None where there is no bound.
    """

    name: str
    field: str
    unit: str
    type: ParameterType
    default: Any
    choices: tuple[str, ...]
    summary: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_required(self) -> bool:
        """Whether it has no default."""
        return self.default is None


class BadParameter(MonkeyError):
    """A parameter that does not exist, or cannot have this value.

    parameter: the name the user wrote, or would have to write.
    """

    def __init__(self, what: str, *, parameter: str, fix: str, where: str = "with") -> None:
        super().__init__(what, where=where, fix=fix)
        self.parameter = parameter


def parameters_of(fault: type[Any]) -> tuple[Parameter, ...]:
    """The parameters of a fault's dataclass, in the order of its fields."""
    return tuple(_described(field) for field in fields(fault))


def check_parameters(
    fault: type[Any], given: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[BadParameter, ...]]:
    """Field values from what a document says, and everything that is wrong with it.

    given: by the user's names; durations as text with a unit. The first result holds what could be
    read, so that a caller who finds no error can construct the fault with it.

    >>> from monkeys.faults.network_latency import NetworkLatency
    >>> check_parameters(NetworkLatency, {"delay": "400ms"})
    ({'delay_ms': 400.0}, ())
    """
    known = {parameter.name: parameter for parameter in parameters_of(fault)}
    values: dict[str, Any] = {}
    errors: list[BadParameter] = []
    for name, value in given.items():
        if name not in known:
            errors.append(_unknown(str(name), known, fault.name))
            continue
        try:
            values[known[name].field] = _read(known[name], value)
        except BadParameter as error:
            errors.append(error)
    errors += [
        BadParameter(
            f"{fault.name} needs {name!r}", parameter=name, fix=f"add it: {parameter.summary}"
        )
        for name, parameter in known.items()
        if parameter.is_required and name not in given
    ]
    if not errors:
        try:
            fault(**values)
        except BadParameter as error:
            errors.append(error)
    return values, tuple(errors)


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """The fix for a misspelled word: the nearest one, or all there are."""
    everything = sorted(words)
    near = get_close_matches(word, everything, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"there is: {', '.join(everything)}" if everything else "leave it out: there is none"


def duration_ms(text: str) -> float | None:
    """Milliseconds of `400ms`, `2s`, `1.5m`; None if the text is no duration.

    >>> duration_ms("1.5s")
    1500.0
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None or match[2] not in _UNITS_MS:
        return None
    return float(match[1]) * _UNITS_MS[match[2]]


def _described(field: Field[Any]) -> Parameter:
    metadata = field.metadata
    unit = str(metadata.get("unit", ""))
    name = metadata.get("user_name") or field.name.removesuffix(f"_{unit}").replace("_", "-")
    choices = tuple(metadata.get("choices", ()))
    return Parameter(
        name=name,
        field=field.name,
        unit=unit,
        type=_type_of(unit, choices),
        default=None if field.default is MISSING else field.default,
        choices=choices,
        summary=metadata["summary"],
        at_least=metadata.get("at_least"),
        at_most=metadata.get("at_most"),
    )


def _type_of(unit: str, choices: tuple[str, ...]) -> ParameterType:
    if unit:
        return ParameterType.DURATION if unit not in QUANTITIES else ParameterType.QUANTITY
    return ParameterType.CHOICE if choices else ParameterType.WHERE


def _unknown(name: str, known: Mapping[str, Parameter], fault: str) -> BadParameter:
    return BadParameter(
        f"{fault} has no parameter {name!r}", parameter=name, fix=did_you_mean(name, known)
    )


def _read(parameter: Parameter, value: Any) -> Any:
    match parameter.type:
        case ParameterType.DURATION:
            return _read_duration(parameter, value)
        case ParameterType.QUANTITY:
            return read_quantity(parameter, value)
        case ParameterType.CHOICE:
            return _read_choice(parameter, value)
        case ParameterType.WHERE:
            return _read_where(parameter, value)


def _read_duration(parameter: Parameter, value: Any) -> float:
    name = parameter.name
    if isinstance(value, bool) or not isinstance(value, str):
        raise BadParameter(
            f"{name!r} is a duration, not {value!r}",
            parameter=name,
            fix="write it with its unit, like 400ms or 2s",
        )
    number_ms = duration_ms(value)
    if number_ms is None:
        raise BadParameter(
            f"{name!r} is not a duration: {value!r}",
            parameter=name,
            fix=f"write a number with one of {', '.join(_UNITS_MS)}, like 400ms or 2s",
        )
    low, high = parameter.at_least, parameter.at_most
    if (low is not None and number_ms < low) or (high is not None and number_ms > high):
        raise BadParameter(
            f"{name!r} cannot be {value}",
            parameter=name,
            fix=f"give a duration from {_spoken(low or 0)} to {_spoken(high)}",
        )
    return number_ms


def read_quantity(parameter: Parameter, value: Any) -> float:
    """The amount that a user wrote, in the unit of the field. Raises BadParameter."""
    name, quantity = parameter.name, QUANTITIES[parameter.unit]
    amount = quantity.read(value)
    if amount is None:
        raise BadParameter(
            f"{name!r} is {quantity.noun}, not {value!r}",
            parameter=name,
            fix=f"write it like {quantity.example}",
        )
    low, high = parameter.at_least, parameter.at_most
    if (low is not None and amount < low) or (high is not None and amount > high):
        least = quantity.spoken(low or 0)
        most = "any amount" if high is None else quantity.spoken(high)
        raise BadParameter(
            f"{name!r} cannot be {value}", parameter=name, fix=f"give {least} to {most}"
        )
    return amount


def _read_choice(parameter: Parameter, value: Any) -> str:
    if value in parameter.choices:
        return str(value)
    raise BadParameter(
        f"{parameter.name!r} cannot be {value!r}",
        parameter=parameter.name,
        fix=did_you_mean(str(value), parameter.choices),
    )


def _read_where(parameter: Parameter, value: Any) -> dict[str, tuple[str, ...]]:
    name = parameter.name
    if not isinstance(value, Mapping) or not value:
        raise BadParameter(
            f"{name!r} says which instances, not {value!r}",
            parameter=name,
            fix=f"write it like {name}: {{zone: us-east-1a}}",
        )
    where: dict[str, tuple[str, ...]] = {}
    for key, wanted in value.items():
        if not is_where_key(str(key)):
            raise BadParameter(
                f"{name!r} cannot select by {key!r}",
                parameter=name,
                fix=did_you_mean(str(key), where_keys()),
            )
        alternatives = wanted if isinstance(wanted, list | tuple) else [wanted]
        if not alternatives or not all(isinstance(word, str) and word for word in alternatives):
            raise BadParameter(
                f"{key!r} in {name!r} is a name or a list of names, not {wanted!r}",
                parameter=name,
                fix="write names, in quotes where they look like numbers or yes and no",
            )
        where[str(key)] = tuple(alternatives)
    return where


def _spoken(number_ms: float | None) -> str:
    if number_ms is None:
        return "any length"
    return f"{number_ms / 1000:g}s" if number_ms >= 1000 else f"{number_ms:g}ms"
