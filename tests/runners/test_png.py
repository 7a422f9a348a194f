"""Images of graphs, held against those of tests/data/png.

A golden image says with which Pillow and FreeType it was drawn. With the same, every pixel must be
the same; with others, letters may be a little bolder or thinner. An image that differs is written
beside the golden one, as NAME.actual.png. `--accept` rewrites what differs.
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features
from PIL import __version__ as pillow_version

from atlas.graph import (
    Axis,
    Graph,
    HeatMapOptions,
    Layout,
    LegendType,
    Line,
    LineStyle,
    Scale,
    TickLabels,
)
from atlas.render.png import error_png, render_png

DATA = Path(__file__).parent.parent / "data" / "png"
DRAWN_WITH = f"Pillow {pillow_version}, FreeType {features.version('freetype2')}"
START_MS = 1_774_742_400_000  # 2026-03-29 00:00 UTC, an hour before clocks change in Europe
MINUTE_MS = 60_000
BYTES_MAX = 300_000
DIFFERENT_LEVELS, DIFFERENT_SHARE = 96, 0.02  # where another FreeType drew the letters

LIGHT = ("0075DC", "993F00", "9DCC00", "4C005C", "00998F", "FFA405", "5EF1F2", "F0A3FF")
DARK = ("00B5F7", "E48F72", "86CE00", "D626FF", "479B55")
STEPS = np.arange(120.0)


def wave(i: int, height: float = 100.0) -> np.ndarray:
    """A line with a shape of its own."""
    jitter = np.sin(STEPS * 12.9898 * (i + 1)) * 5
    return (100 + 20 * i + 40 * np.sin(STEPS / 20 + i) + jitter) * height / 100


def line(i: int, values: np.ndarray | None = None, **given) -> Line:
    values = wave(i) if values is None else values
    given = {"label": f"app-{i}", "color": f"ff{LIGHT[i % 8]}", **given}
    return Line(tags={}, values=values, **given)


def graph(*lines: Line, axes: tuple[Axis, ...] = (), **given) -> Graph:
    size = {"width": 360, "height": 120, **given}
    axes = axes or (Axis(0, lines),)
    return Graph(START_MS, START_MS + 120 * MINUTE_MS, MINUTE_MS, axes, **size)


def with_gaps() -> np.ndarray:
    values = STEPS % 40
    values[(STEPS > 30) & (STEPS < 50)] = np.nan
    values[40] = 20
    values[100:] = np.nan
    return values


GAPS = line(2, with_gaps(), label="gaps")
DARK_STACK = [
    line(i, np.sin(STEPS / 9 + i) * (i + 1), style=LineStyle.STACK, color=f"ff{DARK[i]}")
    for i in range(5)
]
FILLED = (
    line(0, (STEPS // 15 % 4 == 1) * 1.0, label="span", style=LineStyle.VSPAN, color="40C20088"),
    line(1, style=LineStyle.AREA, label="area"),
    line(2, wave(0), style=LineStyle.AREA, label="translucent", color="80FFA405"),
    line(3, wave(2), width=3.0, label="a pen of three", color="ff191919"),
)
MANY_AXES = (
    Axis(0, (line(0),), ylabel="requests per second", color="ff0075DC"),
    Axis(1, (line(1, wave(1, 1e7)),), "memory", "ff993F00", tick_labels=TickLabels.BINARY),
    Axis(2, (line(4, wave(2, 5)),), "latency", "ff00998F", tick_labels=TickLabels.DURATION),
    Axis(3, (line(3, wave(3, 1e-3)),), None, "ff4C005C", tick_labels=TickLabels.OFF),
)
RISING = np.linspace(0.5, 1000, 120)
SCALES = tuple(
    Axis(n, (line(n, RISING),), ylabel=scale.value, color=f"ff{LIGHT[n]}", scale=scale)
    for n, scale in enumerate(Scale)
)
CELLS = tuple(
    line(i, wave(i % 5) + i, style=LineStyle.HEATMAP, color="ffD94801") for i in range(40)
)
HEAT = HeatMapOptions(
    Scale.LOGARITHMIC, colors=("ff91cf60", "ffd9ef8b", "fffee08b", "fffc8d59"), label="instances"
)
LONG = ", and ".join(["a text that goes on"] * 12)
ZONES = ("UTC", "Europe/Berlin", "US/Pacific", "Asia/Kolkata")

GRAPHS = {
    "lines": graph(*(line(i) for i in range(10)), width=700, height=200, title="requests"),
    "dark-stack": graph(*DARK_STACK, theme="dark", zones=("Europe/Berlin",)),
    "filled": graph(axes=(Axis(0, FILLED, messages=("... 3 of 20 lines matched ...",)),)),
    "gaps": graph(GAPS, zoom=1.5),
    "heat-map": graph(*CELLS, line(3, wave(2) + 20, label="a line over it"), height=200),
    "heat-map-colors": graph(axes=(Axis(0, CELLS, heat_map=HEAT),), theme="dark", width=120),
    "axes": graph(axes=MANY_AXES, zones=ZONES),
    "scales": graph(axes=SCALES, height=200, legend=LegendType.LABELS_ONLY),
    "nothing": graph(line(0, np.full(120, np.nan), label="NO DATA"), theme="dark"),
    "hundred": graph(*(line(i) for i in range(100)), legend=LegendType.LABELS_ONLY),
    "long": graph(
        *(line(0, label=LONG), line(1, label="short")),
        title=LONG,
        notices=("a notice", f"a notice with {LONG}"),
    ),
    "image": graph(line(0), line(1), layout=Layout.IMAGE, title="all of 360 × 120"),
    "image-with-notice": graph(line(0), layout=Layout.IMAGE_HEIGHT, notices=("seen as colour",)),
    "only-graph": graph(line(0), line(1), is_only_graph=True),
    "small": graph(line(0), line(8), width=1, height=1, notices=("the least size is 64",)),
}
ERRORS = {
    "error-light": ("IllegalStateException: unknown word ':foo'", 360, 120, "light"),
    "error-dark": (f"IllegalArgumentException: {LONG}", 360, 100, "dark"),
}
NAMES = [*GRAPHS, *ERRORS]


def drawn(name: str) -> bytes:
    if name in ERRORS:
        return error_png(*ERRORS[name])
    return render_png(GRAPHS[name], description=DRAWN_WITH)


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=np.int16)


def difference(actual: bytes, golden: bytes) -> str:
    """What tells two images apart; nothing if they are taken for the same."""
    ours, theirs = pixels(actual), pixels(golden)
    if ours.shape != theirs.shape:
        return f"{ours.shape[1]}×{ours.shape[0]} is not {theirs.shape[1]}×{theirs.shape[0]}"
    distance = np.abs(ours - theirs).max(axis=2)
    if Image.open(io.BytesIO(golden)).info.get("Description") == DRAWN_WITH:
        count = int((distance > 0).sum())
        return f"{count} pixels differ" if count else ""
    share = float((distance > DIFFERENT_LEVELS).mean())
    return f"{share:.1%} of the pixels differ" if share > DIFFERENT_SHARE else ""


@pytest.mark.parametrize("name", NAMES)
def test_image(name, request):
    path, beside = DATA / f"{name}.png", DATA / f"{name}.actual.png"
    png = drawn(name)
    found = difference(png, path.read_bytes()) if path.exists() else "there is no golden image"
    if not found:
        beside.unlink(missing_ok=True)
    elif request.config.getoption("--accept"):
        path.write_bytes(png)
        beside.unlink(missing_ok=True)
    else:
        beside.write_bytes(png)
        pytest.fail(f"{path}: {found}; look at {beside.name}, then --accept", pytrace=False)


def test_golden_images_are_small_and_all_used():
    paths = [path for path in DATA.glob("*.png") if not path.stem.endswith(".actual")]
    assert {path.stem for path in paths} == set(NAMES)
    assert sum(path.stat().st_size for path in paths) < BYTES_MAX


def test_a_moved_line_is_seen_whatever_drew_the_letters():
    """The tolerance for other versions of FreeType does not hide a wrong chart."""
    moved = replace(GRAPHS["filled"], axes=(Axis(0, (*FILLED[:1], line(1, wave(3)), *FILLED[2:])),))
    golden = render_png(GRAPHS["filled"], description="Pillow 1.0, FreeType 1.0")
    assert difference(render_png(moved), golden)
    assert not difference(render_png(GRAPHS["filled"]), golden)
