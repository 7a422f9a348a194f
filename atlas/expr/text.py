"""How strings, numbers and durations are written inside a program, and read back.

Source: Atlas `Interpreter.escape`, `Strings.parseDuration`, `java.lang.Double.toString`.
"""

from __future__ import annotations

import math
import re

from atlas.errors import BadData

_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_JAVA_DOUBLE = re.compile(
    r"[+-]?(NaN|Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?|0[xX][0-9a-fA-F.]+[pP][+-]?\d+[dDfF]?)"
)
_DURATION = re.compile(r"(\d+)([a-zμ]+)")
_ISO_DURATION = re.compile(
    r"([+-]?)P(?:([+-]?\d{1,19})D)?"
    r"(?:T(?:([+-]?\d{1,19})H)?(?:([+-]?\d{1,19})M)?(?:([+-]?\d{1,19}(?:\.\d{0,9})?)S)?)?"
)
_UNITS_MS: dict[str, float] = {
    **dict.fromkeys(("ns",), 1e-6),
    **dict.fromkeys(("us", "μs"), 1e-3),
    "ms": 1,
    **dict.fromkeys(("s", "second", "seconds"), 1_000),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60_000),
    **dict.fromkeys(("h", "hour", "hours"), 3_600_000),
    **dict.fromkeys(("d", "day", "days"), 86_400_000),
    **dict.fromkeys(("w", "wk", "week", "weeks"), 604_800_000),
    **dict.fromkeys(("month", "months"), 30 * 86_400_000),
    **dict.fromkeys(("y", "year", "years"), 365 * 86_400_000),
}
_WRITTEN_UNITS = (
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
)
_LONG_MAX = 2**63 - 1


def decode(text: str) -> str:
    r"""The string that `text` stands for: `\uXXXX` decoded, everything else as it is."""
    if "\\u" not in text:
        return text
    units = _ESCAPE.sub(lambda m: chr(int(m.group(1), 16)), text)
    # Characters beyond the basic plane are written as two escapes, a surrogate pair.
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def encode(text: str) -> str:
    """The exact inverse of `decode`, safe to stand between two commas of a program."""
    if text in ("(", ")"):
        return _unicode_escape(text)
    # A backslash that would begin an escape is itself escaped first.
    text = re.sub(r"\\(?=u[0-9a-fA-F]{4})", lambda _: _unicode_escape("\\"), text)
    last = len(text) - 1
    out = []
    for i, char in enumerate(text):
        at_edge = i in (0, last)
        if (
            char in ",:"
            or (char <= " " and (at_edge or char != " "))
            or (char != " " and char.isspace())
        ):
            out.append(_unicode_escape(char))
        else:
            out.append(char)
    # Either half of a comment's brackets would be read as a comment.
    return "".join(out).replace("/*", "\\u002f*").replace("*/", "\\u002a/")


def _unicode_escape(char: str) -> str:
    return f"\\u{ord(char):04x}"


def parse_number(text: str) -> float | None:
    """`text` as Java reads a double, or None: `5d` is a number, `inf` and `1_000` are not."""
    text = text.strip()
    if _JAVA_DOUBLE.fullmatch(text) is None:
        return None
    bare = text.rstrip("dDfF") if "x" not in text.lower() and not text.endswith("y") else text
    if "x" in bare.lower():
        return float.fromhex(bare.rstrip("dDfF") if "p" not in bare.lower() else _hex_body(bare))
    return (
        float(bare)
        if not bare.endswith(("NaN", "Infinity"))
        else float(bare.replace("Infinity", "inf"))
    )


def _hex_body(text: str) -> str:
    # The suffix comes after a decimal exponent, so it is never one of its digits.
    return text[:-1] if text[-1] in "dDfF" else text


def number_text(value: float) -> str:
    """`value` as Java's `Double.toString` writes it.

    >>> number_text(42.0), number_text(1e7), number_text(0.0001)
    ('42.0', '1.0E7', '1.0E-4')
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = repr(value)
        return text if "e" not in text else f"{value:.20f}".rstrip("0")
    mantissa, _, exponent = f"{_shortest(value)}".partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent)}"


def _shortest(value: float) -> str:
    """Shortest digits that read back as `value`, in scientific form."""
    digits = repr(value)
    if "e" in digits:
        return digits
    for precision in range(17):
        text = f"{value:.{precision}e}"
        if float(text) == value:
            return text
    return f"{value:.16e}"


def parse_duration(text: str) -> int:
    """Milliseconds of `5m`, `1h`, `2w` or `PT1H30M`; a day always has 24 hours."""
    if text.startswith(("P", "-P", "+P")):
        return _parse_iso_duration(text)
    match = _DURATION.fullmatch(text)
    if match is None:
        raise BadData(f"invalid period {text}", fix="write a number and a unit, as in '5m'")
    amount, unit = match.groups()
    if unit not in _UNITS_MS:
        raise BadData(f"unknown unit {unit}", fix="use one of ns us ms s m h d w month y")
    # No duration has as many digits; reading them would take long, and fail.
    duration_ms = int(int(amount) * _UNITS_MS[unit]) if len(amount) < 20 else _LONG_MAX
    return _in_range(duration_ms, text)


def _parse_iso_duration(text: str) -> int:
    match = _ISO_DURATION.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        raise BadData(
            f"invalid period {text}", fix="use days, hours, minutes and seconds: 'P1DT2H'"
        )
    sign, days, hours, minutes, seconds = match.groups()
    total_s = int(days or 0) * 86_400 + int(hours or 0) * 3_600 + int(minutes or 0) * 60
    total_ms = total_s * 1000 + round(float(seconds or 0) * 1000)
    return _in_range(-total_ms if sign == "-" else total_ms, text)


def _in_range(duration_ms: int, text: str) -> int:
    if abs(duration_ms) > _LONG_MAX // 1_000_000:
        raise BadData(f"duration out of range: {text}", fix="use a shorter duration")
    return duration_ms


def duration_text(duration_ms: int) -> str:
    """A duration in its largest exact unit.

    >>> duration_text(60_000), duration_text(0)
    ('1m', '0w')
    """
    for unit, unit_ms in _WRITTEN_UNITS:
        if duration_ms % unit_ms == 0:
            return f"{duration_ms // unit_ms}{unit}"
    return f"PT{duration_ms / 1000:g}S"


def iso_duration_text(duration_ms: int) -> str:
    """A duration as Java prints it: no unit above hours, each part with its sign.

    >>> iso_duration_text(300_000), iso_duration_text(90_061_500), iso_duration_text(0)
    ('PT5M', 'PT25H1M1.5S', 'PT0S')
    """
    sign = "-" if duration_ms < 0 else ""
    minutes, rest_ms = divmod(abs(duration_ms), 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest_ms / 1000:g}"
    parts = ((str(hours), "H"), (str(minutes), "M"), (seconds, "S"))
    text = "".join(f"{sign}{amount}{unit}" for amount, unit in parts if amount != "0")
    return f"PT{text or '0S'}"
