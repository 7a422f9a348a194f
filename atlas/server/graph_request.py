"""The parameters of a graph: window, looks and axes, with the original's defaults and refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from atlas.errors import BadData
from atlas.eval.graph import AxisOptions, GraphOptions, not_a_number
from atlas.eval.window import graph_window, readable_step
from atlas.expr.colors import PALETTE_OF_THEME, palette_colors
from atlas.expr.instants import parse_window, parse_zone
from atlas.expr.text import number_text, parse_duration, parse_number
from atlas.graph import (
    AXIS_COUNT_MAX,
    Graph,
    HeatMapOptions,
    Layout,
    LegendType,
    Scale,
    TickLabels,
)
from atlas.model import EvalContext
from atlas.server.parameters import Parameters
from atlas.server.state import ServerState

_LAYOUTS = {
    "canvas": Layout.CANVAS,
    "image": Layout.IMAGE,
    "iw": Layout.IMAGE_WIDTH,
    "ih": Layout.IMAGE_HEIGHT,
}
_SCALES = {
    "linear": Scale.LINEAR,
    "log": Scale.LOGARITHMIC,
    "log-linear": Scale.LOG_LINEAR,
    "pow2": Scale.POWER_2,
    "sqrt": Scale.SQRT,
}
_TICK_LABELS = {label.lower(): label for label in TickLabels}
_VISIONS = (
    *("normal", "protanopia", "protanomaly", "deuteranopia", "deuteranomaly"),
    *("tritanopia", "tritanomaly", "achromatopsia", "achromatomaly"),
)
_AXIS_PARAMETERS = (
    *("l", "u", "scale", "o", "stack", "ylabel", "tick_labels", "palette", "sort", "order"),
    *("heatmap_l", "heatmap_u", "heatmap_scale", "heatmap_palette", "heatmap_label"),
)
_AUTOMATIC = ("auto-style", "auto-data")


def window_of(parameters: Parameters, state: ServerState) -> EvalContext:
    """The steps that a request asks for, and one before them."""
    now_ms = state.now_ms()
    start_ms, end_ms = _range_of(parameters, state, now_ms)
    config, defaults = state.store.config, state.settings.graph
    window = graph_window(
        start_ms,
        end_ms,
        step_ms=_step_of(parameters),
        width=parameters.positive("w", defaults.width, called="width"),
        own_step_ms=config.step_ms,
        point_count_max=defaults.point_count_max,
    )
    return replace(window, now_ms=now_ms)


def stream_window_of(parameters: Parameters, state: ServerState) -> EvalContext:
    """The steps from the start of a range up to but without its end, however many they are."""
    now_ms = state.now_ms()
    start_ms, end_ms = _range_of(parameters, state, now_ms)
    config = state.store.config
    asked_ms = max(config.step_ms, _step_of(parameters) or 0)
    step_ms = readable_step(asked_ms, config.step_ms)
    return EvalContext(start_ms // step_ms * step_ms, end_ms // step_ms * step_ms, step_ms, now_ms)


def _range_of(parameters: Parameters, state: ServerState, now_ms: int) -> tuple[int, int]:
    zone = parse_zone(zone_names(parameters, state)[0])
    defaults = state.settings.graph
    start, end = parameters.text("s", defaults.start), parameters.text("e", defaults.end)
    return parse_window(start, end, zone, now_ms)


def _step_of(parameters: Parameters) -> int | None:
    text = parameters.text("step", "")
    return parse_duration(text) if text else None


def zone_names(parameters: Parameters, state: ServerState) -> tuple[str, ...]:
    """The time zones asked for, the main one first."""
    return parameters.all("tz") or (state.settings.graph.zone,)


def options_of(parameters: Parameters, state: ServerState) -> GraphOptions:
    """The looks that a request asks for."""
    theme = parameters.text("theme", "light")
    if theme not in PALETTE_OF_THEME:
        raise BadData(f"invalid theme: {theme}", fix="use light or dark")
    if (vision := parameters.text("vision", "normal")) not in _VISIONS:
        raise BadData(
            f"No enum constant com.netflix.atlas.chart.model.VisionType.{vision}",
            fix=f"use one of {', '.join(_VISIONS)}",
        )
    defaults = state.settings.graph
    frame = Graph(
        0,
        0,
        1,
        zones=zone_names(parameters, state),
        width=parameters.positive("w", defaults.width, called="width"),
        height=parameters.positive("h", defaults.height, called="height"),
        layout=_layout(parameters.text("layout", "canvas")),
        zoom=_number(parameters.text("zoom", "1.0")),
        title=parameters.text("title", "") or None,
        legend=_legend(parameters),
        is_only_graph=parameters.is_set("only_graph"),
        theme=theme,
        hints=tuple(h for h in map(str.strip, parameters.text("hints", "").split(",")) if h),
    )
    return GraphOptions(
        frame,
        palette=parameters.text("palette", PALETTE_OF_THEME[theme]),
        axes=_axes(parameters, theme),
        is_axis_per_line=parameters.is_set("axis_per_line"),
    )


def _axes(parameters: Parameters, theme: str) -> tuple[AxisOptions, ...]:
    if parameters.stems.isdisjoint(_AXIS_PARAMETERS):
        return (AxisOptions(),) * AXIS_COUNT_MAX
    return tuple(_axis(parameters, number, theme) for number in range(AXIS_COUNT_MAX))


def _axis(parameters: Parameters, number: int, theme: str) -> AxisOptions:
    def text(name: str, default: str) -> str:
        return parameters.text(f"{name}.{number}", parameters.text(name, default))

    lower, upper = _bounds(text("l", "auto-style"), text("u", "auto-style"))
    return AxisOptions(
        lower=lower,
        upper=upper,
        scale=_scale(text("scale", "log" if text("o", "0") == "1" else "linear")),
        is_stack=text("stack", "0") == "1",
        ylabel=text("ylabel", "") or None,
        tick_labels=_tick_labels(text("tick_labels", "decimal")),
        palette=parameters.text(f"palette.{number}", "") or None,
        sort=text("sort", "") or None,
        is_descending=text("order", "asc") == "desc",
        heat_map=_heat_map(text, theme),
    )


def _heat_map(text: Callable[[str, str], str], theme: str) -> HeatMapOptions:
    lower, upper = _bounds(text("heatmap_l", "auto-style"), text("heatmap_u", "auto-style"))
    palette = text("heatmap_palette", "")
    return HeatMapOptions(
        scale=_scale(text("heatmap_scale", "linear")),
        lower=lower,
        upper=upper,
        colors=palette_colors(palette, theme) if palette else (),
        label=text("heatmap_label", "") or None,
    )


def _legend(parameters: Parameters) -> LegendType:
    if parameters.is_set("no_legend"):
        return LegendType.OFF
    no_stats = parameters.is_set("no_legend_stats")
    return LegendType.LABELS_ONLY if no_stats else LegendType.LABELS_WITH_STATS


def _layout(text: str) -> Layout:
    if text not in _LAYOUTS:
        raise BadData(f"unknown layout: {text}", fix=f"use one of {', '.join(_LAYOUTS)}")
    return _LAYOUTS[text]


def _scale(text: str) -> Scale:
    if text not in _SCALES:
        raise BadData(
            f"unknown scale type '{text}', should be linear, log, log-linear, pow2, or sqrt",
            fix="see the list above",
        )
    return _SCALES[text]


def _tick_labels(text: str) -> TickLabels:
    if text not in _TICK_LABELS:
        raise BadData(
            f"tick_labels: unknown value '{text}', acceptable values are off, decimal, and binary",
            fix=f"use one of {', '.join(_TICK_LABELS)}",
        )
    return _TICK_LABELS[text]


def _bounds(lower_text: str, upper_text: str) -> tuple[str, str]:
    lower, upper = (
        t if t in _AUTOMATIC else number_text(_number(t)) for t in (lower_text, upper_text)
    )
    if not {lower, upper} & set(_AUTOMATIC) and float(lower) >= float(upper):
        raise BadData(
            f"requirement failed: lower bound must be less than upper bound ({lower} >= {upper})",
            fix="raise the upper bound or lower the lower one",
        )
    return lower, upper


def _bound(text: str) -> str:
    return text if text in _AUTOMATIC else number_text(_number(text))


def _number(text: str) -> float:
    number = parse_number(text)
    if number is None:
        raise not_a_number(text)
    return number
