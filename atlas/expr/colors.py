"""Colours of lines: palettes, named colours, and how a request writes either.

A colour is ARGB in eight hex digits. The colours are those of the original, so that a dashboard
looks the same. Source: Atlas `Palette.scala`, `palettes/*.txt`, `reference.conf`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from types import MappingProxyType

from atlas.errors import AtlasError, BadData

ColorPicker = Callable[[str], str]
"""The colour of the next line, given its label."""


def _opaque(text: str) -> tuple[str, ...]:
    return tuple(f"ff{color.lower()}" for color in text.split())


PALETTES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "armytage": _opaque(
            "0075DC 993F00 9DCC00 4C005C 00998F FFA405 5EF1F2 F0A3FF 94FFB5 FF0010 2BCE48 740AFF"
            " 191919 FF5005 005C31 FFCC99 808080 8F7C00 C20088 003380 FFA8BB 426600 990000 FFE100"
        ),
        "light24": _opaque(
            "00B5F7 E48F72 86CE00 D626FF 479B55 FF9616 0DF9FF EEA6FB 22FFA7 FD3216 00FE35 7E7DCD"
            " 6E899C FC6955 C9FBE5 B68E00 DC587D FED4C4 FE00CE 6A76FC FF0092 E3EE9E BC7196 F6F926"
        ),
        "dark24": _opaque(
            "2E91E5 862A16 1CA71C 750D86 00A08B EB663B E15F99 FB0D0D DA16FF 222A2A B68100 511CFB"
            " FB00D1 FC0080 B2828D 6C7C32 778AAE A777F1 620042 1616A7 DA60CA 6C4516 0D2A63 AF0038"
        ),
        "blues": _opaque("08306B 08519C 2171B5 4292C6 6BAED6 9ECAE1 C6DBEF"),
        "greens": _opaque("00441B 006D2C 238B45 41AB5D 74C476 A1D99B C7E9C0"),
        "oranges": _opaque("7F2704 A63603 D94801 F16913 FD8D3C FDAE6B FDD0A2"),
        "purples": _opaque("3F007D 54278F 6A51A3 807DBA 9E9AC8 BCBDDC DADAEB"),
        "reds": _opaque("67000D A50F15 CB181D EF3B2C FB6A4A FC9272 FCBBA1"),
        "bw": tuple(f"c0{gray * 3}" for gray in ("00", "cc", "44", "ee", "22", "aa", "66", "88")),
        "lightgray": tuple(
            f"ff{gray * 3}" for gray in ("ff", "77", "ee", "88", "dd", "99", "cc", "aa")
        ),
    }
)
"""Colours by the name of their palette, in the order in which lines get them."""

PALETTE_OF_THEME: Mapping[str, str] = MappingProxyType({"light": "armytage", "dark": "light24"})
SHIFTED_PALETTE_OF_THEME: Mapping[str, str] = MappingProxyType({"light": "bw", "dark": "lightgray"})
"""For lines whose data lies before the window."""


def _shades(name: str, colors: str) -> dict[str, str]:
    return {f"{name}{i}": color for i, color in enumerate(_opaque(colors), start=1)}


NAMED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "light": _shades("blue", "6BAED6 2171B5 08306B")
        | _shades("gray", "888888 444444 000000")
        | _shades("green", "74C476 238B45 00441B")
        | _shades("orange", "FD8D3C D94801 7F2704")
        | _shades("purple", "9E9AC8 6A51A3 3F007D")
        | _shades("red", "FB6A4A CB181D 67000D"),
        "dark": _shades("blue", "C6DBEF 6BAED6 2171B5")
        | _shades("gray", "FFFFFF BBBBBB 777777")
        | _shades("green", "C7E9C0 74C476 238B45")
        | _shades("orange", "FDD0A2 FD8D3C D94801")
        | _shades("purple", "DADAEB 9E9AC8 6A51A3")
        | _shades("red", "FCBBA1 FB6A4A CB181D"),
    }
)
"""Colours by their name, of each theme."""


def parse_color(text: str, theme: str) -> str:
    """A named colour, or RGB, RRGGBB or AARRGGBB in hex digits."""
    named = NAMED[theme].get(text)
    if named is not None:
        return named
    full = "".join(c * 2 for c in text) if len(text) == 3 else text
    if len(full) not in (6, 8):
        raise BadData(
            "color must be hex string [AA]RRGGBB",
            where=f"color '{text}'",
            fix=f"write it as 'ff0000', or use one of {', '.join(NAMED[theme])}",
        )
    _check_hex(full)
    return (full if len(full) == 8 else f"ff{full}").lower()


def with_alpha(color: str, alpha: str) -> str:
    """The colour with another opacity, of two hex digits."""
    _check_hex(alpha)
    return f"{int(alpha, 16) & 255:02x}{color[2:]}"


def picker(mode: str, theme: str) -> ColorPicker:
    """Colours as a palette hands them out: one after the other, or by label for `hash:NAME`.

    `mode` is the name of a palette, or a list of colours: `(,f00,00ff00,)`, `colors:f00,00ff00`.
    """
    if mode.startswith("hash:"):
        colors = palette_colors(mode.removeprefix("hash:"), theme)
        return lambda label: colors[abs(java_hash(label)) % len(colors)]
    following: Iterator[str] = cycle(palette_colors(mode, theme))
    return lambda _: next(following)


def java_hash(text: str) -> int:
    """The hash code of a string in Java: 32 bits, signed."""
    value = 0
    units = text.encode("utf-16-be", "surrogatepass")
    for i in range(0, len(units), 2):
        value = (31 * value + (units[i] << 8 | units[i + 1])) & 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value


def palette_colors(name: str, theme: str) -> tuple[str, ...]:
    """The colours of a palette by its name, or those of a list."""
    is_list = name.startswith(("(", "colors:"))
    if is_list:
        items = name.removeprefix("colors:").split(",")
        colors = tuple(parse_color(c, theme) for c in items if c not in ("(", ")", ""))
    else:
        colors = PALETTES.get(name, ())
    if not colors:
        raise BadData(
            f"invalid palette name: '{name}'",
            fix=f"use one of {', '.join(PALETTES)}, or a list of colours '(,f00,0f0,)'",
        )
    return colors


def _check_hex(text: str) -> None:
    try:
        int(text, 16)
    except ValueError as error:
        raise AtlasError(
            f'For input string: "{text}" under radix 16',
            fix="write hex digits, as in 'ff0000' or '40'",
            original_class="NumberFormatException",
        ) from error
