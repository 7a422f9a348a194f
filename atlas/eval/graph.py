"""What a graph shows: the lines of a program on their axes, each with its legend and colour.

Source: Atlas `Grapher.scala`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache

from atlas.errors import AtlasError, BadData
from atlas.eval.evaluate import evaluate
from atlas.eval.lines import Lines
from atlas.expr.colors import SHIFTED_PALETTE_OF_THEME, ColorPicker, parse_color, picker, with_alpha
from atlas.expr.legend import Legend, substitute, with_simple_legends
from atlas.expr.number_format import Unit, binary_unit, decimal_unit, statistic_text
from atlas.expr.style_expr import StyleExpr
from atlas.expr.text import duration_text
from atlas.graph import (
    AXIS_COUNT_MAX,
    Axis,
    FloatArray,
    Graph,
    HeatMapOptions,
    Line,
    LineStyle,
    Scale,
    TickLabels,
    line_stats,
)
from atlas.model import EvalContext
from atlas.store.budget import Budget
from atlas.store.memory import MemoryStore

OFFSET_TAG = "atlas.offset"
_BLACK = "ff000000"

_SORT_KEYS: Mapping[str, Callable[[Line], str | float]] = {
    "legend": lambda line: line.label,
    "min": lambda line: line.stats.min,
    "max": lambda line: line.stats.max,
    "avg": lambda line: line.stats.avg,
    "count": lambda line: line.stats.count,
    "total": lambda line: line.stats.total,
    "last": lambda line: line.stats.last,
}


@dataclass(frozen=True, slots=True)
class AxisOptions:
    """What a request says about one axis. `palette` is None for that of the graph."""

    lower: str = "auto-style"
    upper: str = "auto-style"
    scale: Scale = Scale.LINEAR
    is_stack: bool = False
    ylabel: str | None = None
    tick_labels: TickLabels = TickLabels.DECIMAL
    palette: str | None = None
    sort: str | None = None
    is_descending: bool = False
    heat_map: HeatMapOptions = field(default_factory=HeatMapOptions)


@dataclass(frozen=True, slots=True)
class GraphOptions:
    """What a request says about the looks of a graph; `frame` holds what is only passed on."""

    frame: Graph
    palette: str = "armytage"
    axes: tuple[AxisOptions, ...] = (AxisOptions(),) * AXIS_COUNT_MAX
    is_axis_per_line: bool = False


@dataclass(frozen=True, slots=True)
class Looks:
    """How the lines of an expression are drawn; `pick` gives a line's colour by its label."""

    axis: int
    style: LineStyle
    width: float
    pick: ColorPicker


@dataclass
class _Notices:
    """Warnings, each once, in the order in which they came up."""

    texts: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        if text not in self.texts:
            self.texts.append(text)


def build_graph(
    store: MemoryStore,
    exprs: Sequence[StyleExpr],
    context: EvalContext,
    options: GraphOptions,
    budget: Budget | None = None,
) -> Graph:
    """Evaluate expressions and put their lines on axes; the window's first step is not shown.

    Raises LimitExceeded for too many lines, or when the budget is used up.
    """
    shown = _shown(tuple(exprs))
    by_axis: dict[int, list[StyleExpr]] = {}
    for styled in shown:
        by_axis.setdefault(_axis_number(styled), []).append(styled)
    lines_of = dict(
        zip(shown, evaluate(store, [s.expr for s in shown], context, budget), strict=True)
    )
    drawing = _Drawing(options, lines_of)
    axes = tuple(drawing.axis(number, by_axis[number]) for number in sorted(by_axis))
    if options.is_axis_per_line:
        axes = _one_line_each(axes, drawing.notices)
    if len(axes) > 1 and "ambiguous-multi-y" not in options.frame.hints:
        axes = tuple(replace(a, color=a.lines[0].color if a.lines else None) for a in axes)
    graph = replace(
        options.frame,
        start_ms=context.start_ms + context.step_ms,
        end_ms=context.end_ms,
        step_ms=context.step_ms,
        axes=axes,
        notices=(*options.frame.notices, *drawing.notices.texts),
    )
    if graph.title is None:
        return graph
    return replace(graph, title=substitute(graph.title, _common_tags(graph.lines)))


def looks_by_label(exprs: Sequence[StyleExpr], options: GraphOptions) -> list[Looks]:
    """How lines look that come one by one: a colour depends on its label, not on other lines."""
    drawing = _Drawing(options, {}, by_label=True)
    colors = [drawing.axis_colors(number) for number in range(AXIS_COUNT_MAX)]
    return [
        Looks(
            number,
            _line_style(styled, options.axes[number]),
            _line_width(styled),
            drawing.picker(styled, colors[number]),
        )
        for styled in exprs
        for number in (_axis_number(styled),)
    ]


def blank_axis(number: int, options: AxisOptions) -> Axis:
    """An axis as the request wants it, without lines."""
    return Axis(
        number,
        (),
        options.ylabel,
        scale=options.scale,
        lower=options.lower,
        upper=options.upper,
        tick_labels=options.tick_labels,
        heat_map=options.heat_map,
    )


# Expressions never change, and dashboards ask for the same ones again and again.
@lru_cache(maxsize=512)
def _shown(exprs: tuple[StyleExpr, ...]) -> tuple[StyleExpr, ...]:
    """The expressions that have lines of their own, each with its legend."""
    return with_simple_legends([copy for styled in exprs for copy in styled.per_offset()])


@lru_cache(maxsize=512)
def _text(styled: StyleExpr) -> str:
    return str(styled)


class _Drawing:
    """What the axes of one graph share: where colours come from, and where warnings go."""

    def __init__(
        self,
        options: GraphOptions,
        lines_of: Mapping[StyleExpr, Lines],
        *,
        by_label: bool = False,
    ) -> None:
        self.options = options
        self.lines_of = lines_of
        self.notices = _Notices()
        self._theme = options.frame.theme
        self._mode = "hash:" if by_label else ""
        self._main = self._palette(options.palette)
        self._shifted = self._palette(SHIFTED_PALETTE_OF_THEME[self._theme])

    def axis(self, number: int, exprs: Sequence[StyleExpr]) -> Axis:
        """An axis with the lines of its expressions."""
        options = self.options.axes[number]
        colors = self.axis_colors(number)
        lines: list[Line] = []
        messages: tuple[str, ...] = ()
        for styled in exprs:
            messages = self.lines_of[styled].notices[:1] or messages
            pick = self.picker(styled, colors)
            found = _drawn(styled, self.lines_of[styled], options, pick)
            found = _sorted(found, styled.get("sort"), styled.get("order") == "desc", self.notices)
            lines += found if (limit := _limit(styled)) is None else found[:limit]
        ordered = _sorted(lines, options.sort, options.is_descending, self.notices)
        ylabel = options.ylabel
        return replace(
            blank_axis(number, options),
            lines=tuple(ordered),
            ylabel=None if ylabel is None else substitute(ylabel, _common_tags(ordered)),
            messages=tuple(f"... {text} ..." for text in messages),
        )

    def axis_colors(self, number: int) -> _AxisColors:
        """The colours that all lines of an axis share."""
        options = self.options.axes[number]
        own = None if options.palette is None else self._palette(options.palette)
        heat = _HeatColor(f"heatmap{number}", _BLACK if options.heat_map.colors else None)
        return _AxisColors(own or self._main, heat)

    def picker(self, styled: StyleExpr, axis: _AxisColors) -> ColorPicker:
        """The colours of one expression."""
        pick = self._opaque_picker(styled, axis)
        alpha = styled.get("alpha")
        return pick if alpha is None else lambda label: with_alpha(pick(label), alpha)

    def _opaque_picker(self, styled: StyleExpr, axis: _AxisColors) -> ColorPicker:
        color, palette = styled.get("color"), styled.get("palette")
        if color is not None:
            single = parse_color(color, self._theme)
            return lambda _: single
        pick = self._shifted if styled.offset_ms else axis.pick
        if palette is not None:
            pick = self._palette(palette)
        is_heat_map = (styled.get("ls") or "").upper() == LineStyle.HEATMAP
        return axis.heat.shared(pick) if is_heat_map else pick

    def _palette(self, name: str) -> ColorPicker:
        return picker(self._mode + name.removeprefix(self._mode), self._theme)


@dataclass(frozen=True, slots=True)
class _AxisColors:
    """Colours of the lines of an axis, and that of its heat map."""

    pick: ColorPicker
    heat: _HeatColor


@dataclass
class _HeatColor:
    """The one colour that lines of an axis' heat map share: the first that one of them is given."""

    label: str
    color: str | None

    def shared(self, pick: ColorPicker) -> ColorPicker:
        """Colours that are taken from `pick` at most once."""

        def shared(_: str) -> str:
            if self.color is None:
                self.color = pick(self.label)
            return self.color

        return shared


def _drawn(styled: StyleExpr, lines: Lines, options: AxisOptions, pick: ColorPicker) -> list[Line]:
    """The lines of one expression, sorted by legend, coloured in that order."""
    style, width = _line_style(styled, options), _line_width(styled)
    query, keys = _text(styled), styled.expr.grouping or ()
    offset = duration_text(styled.offset_ms)
    legend = Legend(styled)
    unit_of = binary_unit if options.tick_labels is TickLabels.BINARY else decimal_unit
    drawn = []
    for tags, label, values in zip(lines.tags, lines.labels, lines.values[:, 1:], strict=True):
        shown = {**tags, OFFSET_TAG: offset}
        known = shown | _statistics(values, unit_of) if legend.has_statistics else shown
        drawn.append((legend.text(label, known), shown, values))
    drawn.sort(key=lambda line: line[0])
    return [
        Line(text, tags, values, pick(text), style, width, query, keys)
        for text, tags, values in drawn
    ]


def _statistics(values: FloatArray, unit_of: Callable[[float], Unit]) -> dict[str, str]:
    """What legends may say of a line's values."""
    stats = asdict(line_stats(values))
    del stats["count"]
    return {f"atlas.{name}": statistic_text(value, unit_of) for name, value in stats.items()}


def _sorted(
    lines: list[Line], by: str | None, is_descending: bool, notices: _Notices
) -> list[Line]:
    """The lines sorted as asked; what is not a number comes last in either direction."""
    if by is None and not is_descending:
        return lines
    mode = by or "legend"
    key = _SORT_KEYS.get(mode)
    if key is None:
        notices.add(f"Invalid sort mode '{mode}'. Using default of 'legend'.")
        key = _SORT_KEYS["legend"]
    keyed = [(key(line), line) for line in lines]
    last = [line for value, line in keyed if isinstance(value, float) and math.isnan(value)]
    rest = [(v, line) for v, line in keyed if not (isinstance(v, float) and math.isnan(v))]
    # Sorting is stable in either direction.
    rest.sort(key=lambda pair: pair[0], reverse=is_descending)
    return [line for _, line in rest] + last


def _one_line_each(axes: tuple[Axis, ...], notices: _Notices) -> tuple[Axis, ...]:
    if len(axes) > 1:
        notices.add("axisPerLine cannot be used with explicit multi axis")
        return axes
    count = sum(len(axis.lines) for axis in axes)
    if count > AXIS_COUNT_MAX:
        notices.add(f"Too many Y-axes, {count} > {AXIS_COUNT_MAX}, axis per line disabled.")
        return axes
    return tuple(
        replace(axis, number=i, lines=(line,)) for axis in axes for i, line in enumerate(axis.lines)
    )


def _common_tags(lines: Sequence[Line]) -> dict[str, str]:
    if not lines:
        return {}
    first, *others = (line.tags for line in lines)
    return {k: v for k, v in first.items() if all(tags.get(k) == v for tags in others)}


def _axis_number(styled: StyleExpr) -> int:
    text = styled.get("axis")
    if text is None:
        return 0
    number = _whole(text)
    if not 0 <= number < AXIS_COUNT_MAX:
        raise BadData(f"invalid axis: {text}", fix=f"use 0 to {AXIS_COUNT_MAX - 1}")
    return number


def _limit(styled: StyleExpr) -> int | None:
    text = styled.get("limit")
    return None if text is None else max(0, _whole(text))


def _line_style(styled: StyleExpr, options: AxisOptions) -> LineStyle:
    name = styled.get("ls")
    if name is None:
        return LineStyle.STACK if options.is_stack else LineStyle.LINE
    try:
        return LineStyle(name.upper())
    except ValueError as error:
        raise BadData(
            f"No enum constant com.netflix.atlas.chart.model.LineStyle.{name.upper()}",
            fix=f"use one of {', '.join(LineStyle).lower()} before :ls",
        ) from error


def _line_width(styled: StyleExpr) -> float:
    text = styled.get("lw") or "1.0"
    try:
        return float(text)
    except ValueError as error:
        raise not_a_number(text) from error


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise not_a_number(text) from error


def not_a_number(text: str) -> AtlasError:
    """What the original says of text that is no number."""
    return AtlasError(
        f'For input string: "{text}"', fix="write a number", original_class="NumberFormatException"
    )
