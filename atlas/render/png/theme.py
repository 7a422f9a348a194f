"""Colours of an image: light and dark."""

from __future__ import annotations

from dataclasses import dataclass

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Argb:
    """A colour and how much of what lies below it hides, 0…255."""

    alpha: int
    rgb: Rgb


def opaque(rgb: Rgb) -> Argb:
    """A colour that hides all below it."""
    return Argb(255, rgb)


def parse_argb(text: str) -> Argb:
    """A colour of 8 hexadecimal digits, alpha first; with 6 it is opaque."""
    value = int(text, 16)
    alpha = 255 if len(text) <= 6 else value >> 24 & 255
    return Argb(alpha, (value >> 16 & 255, value >> 8 & 255, value & 255))


def mixed(below: Rgb, above: Rgb, share: float) -> Rgb:
    """`above` laid on `below`, covering this share of it."""
    r, g, b = (round(low + (high - low) * share) for low, high in zip(below, above, strict=True))
    return r, g, b


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of everything but the lines."""

    background: Rgb
    canvas: Rgb
    text: Rgb
    frame: Rgb
    major_grid: Argb
    minor_grid: Argb
    warning: Rgb
    error: Rgb


LIGHT = Theme(
    background=(0xF5, 0xF6, 0xF8),
    canvas=(0xFF, 0xFF, 0xFF),
    text=(0x22, 0x26, 0x2C),
    frame=(0x6B, 0x72, 0x7C),
    major_grid=Argb(0x30, (0x20, 0x28, 0x38)),
    minor_grid=Argb(0x12, (0x20, 0x28, 0x38)),
    warning=(0xFF, 0xE0, 0x9E),
    error=(0xC4, 0x2B, 0x1C),
)
DARK = Theme(
    background=(0x1B, 0x1D, 0x21),
    canvas=(0x11, 0x12, 0x16),
    text=(0xDA, 0xDD, 0xE2),
    frame=(0x8B, 0x91, 0x9B),
    major_grid=Argb(0x34, (0xFF, 0xFF, 0xFF)),
    minor_grid=Argb(0x14, (0xFF, 0xFF, 0xFF)),
    warning=(0x5A, 0x44, 0x0C),
    error=(0xF2, 0x5C, 0x4A),
)


def theme_of(name: str) -> Theme:
    """The theme of a request; an error about its name is drawn in the light one."""
    return DARK if name == "dark" else LIGHT
