"""Words that say how a line is drawn. Values are text; most are checked when a graph is drawn."""

from __future__ import annotations

from dataclasses import replace

from atlas.asl.word import Context, Vocabulary
from atlas.asl.words.filter_words import FILTER, filtered
from atlas.expr.math_expr import with_common_keys
from atlas.expr.sketch_expr import PERCENTILE_KEY
from atlas.expr.style_expr import StyleExpr, colored, list_text, with_alpha
from atlas.expr.text import encode
from atlas.expr.tree import TimeSeriesExpr

STYLE = Vocabulary("style", before=FILTER)

_LINE = "name,sps,:eq,:sum"


@STYLE.word("alpha", "StyleExpr v:String -- StyleExpr", examples=(f"{_LINE},40",))
def _alpha(styled: StyleExpr, alpha: str) -> StyleExpr:
    """Sets the opacity, as two hex digits, of the colour that the line gets."""
    return with_alpha(styled, alpha)


@STYLE.word("color", "StyleExpr v:Color -- StyleExpr", examples=(f"{_LINE},f00", f"{_LINE},blue1"))
def _color(styled: StyleExpr, color: str) -> StyleExpr:
    """Sets the colour of the lines: RGB, RRGGBB or AARRGGBB in hex digits, or a name."""
    return colored(styled, color)


@STYLE.context_word(
    "palette",
    "TimeSeriesExpr String -- StyleExpr",
    takes="StyleExpr Palette",
    examples=(f"{_LINE},reds", f"{_LINE},hash:armytage", f"{_LINE},(,f00,00ff00,)"),
)
def _palette(context: Context, styled: StyleExpr, palette: str) -> Context:
    """Sets the colours that lines get in turn: a palette's name, or a list of colours."""
    return context.push(styled.without("alpha", "color").with_setting("palette", palette))


def _setting_word(key: str, summary: str, *examples: str) -> None:
    def run(styled: StyleExpr, value: str) -> StyleExpr:
        return styled.with_setting(key, value)

    run.__doc__ = summary
    programs = tuple(f"{_LINE},{example}" for example in examples)
    STYLE.word(key, "StyleExpr v:String -- StyleExpr", examples=programs)(run)


_setting_word("axis", "Sets the number, 0 to 4, of the axis that the lines are drawn on.", "1")
_setting_word(
    "legend", "Sets the legend; `$key` and `$(key)` are replaced by tags.", "$name", "a b"
)
_setting_word("limit", "Keeps the first lines only, after they have been sorted.", "2")
_setting_word("ls", "Sets the style: line, area, stack, vspan or heatmap.", "area")
_setting_word("lw", "Sets the width of the line.", "2")
_setting_word("order", "Sets the order in which lines are sorted: asc or desc.", "desc")
_setting_word(
    "sort", "Sets what lines are sorted by: legend, min, max, avg, count, total or last.", "max"
)


@STYLE.word("head", "StyleExpr n:String -- StyleExpr", examples=(f"{_LINE},2",))
def _head(styled: StyleExpr, count: str) -> StyleExpr:
    """Keeps the first lines only, after they have been sorted; the same as `:limit`."""
    return styled.with_setting("limit", count)


def _line_style_word(name: str, summary: str) -> None:
    def run(styled: StyleExpr) -> StyleExpr:
        return styled.with_setting("ls", name)

    run.__doc__ = summary
    STYLE.word(name, "StyleExpr -- StyleExpr", examples=(_LINE,))(run)


_line_style_word("area", "Draws the line with the area between it and zero filled.")
_line_style_word("heatmap", "Draws the lines as cells, darker where more of them lie.")
_line_style_word("line", "Draws a plain line, which is the default.")
_line_style_word("stack", "Draws the area of the line on top of the lines stacked before it.")
_line_style_word("vspan", "Draws a vertical band wherever the value is not zero.")


@STYLE.word(
    "percentiles-heatmap",
    "StyleExpr -- StyleExpr",
    examples=("name,requestLatency,:eq", "name,requestLatency,:eq,(,nf.app,),:by,f00,:color"),
)
def _percentiles_heatmap(styled: StyleExpr) -> StyleExpr:
    """Draws a histogram as cells: each bucket's rate over the values that the bucket holds."""
    by_bucket = with_common_keys(styled.expr, (PERCENTILE_KEY,))
    return replace(styled, expr=by_bucket).with_setting("ls", "heatmap")


@STYLE.word(
    "offset",
    "StyleExpr offsets:StringList -- StyleExpr",
    examples=(f"{_LINE},(,0h,1d,1w,)",),
)
def _offset(styled: StyleExpr, offsets: tuple[object, ...]) -> StyleExpr:
    """Draws the expression once for each offset; an old way to write several `:offset`."""
    return styled.with_setting("offset", list_text(offsets))


@STYLE.context_word(
    "filter",
    "StyleExpr TimeSeriesExpr -- StyleExpr",
    takes="Styled TimeSeriesExpr",
    examples=("name,sps,:eq,(,nf.cluster,),:by,:area,:stat-max,30e3,:gt",),
)
def _filter(context: Context, styled: StyleExpr, condition: TimeSeriesExpr) -> Context:
    """Keeps lines for which a condition is neither 0 nor a gap at some step, and their looks."""
    return context.push(replace(styled, expr=filtered(styled.expr, condition)))


@STYLE.word("decode", "StyleExpr mode:String -- StyleExpr", examples=(f"{_LINE},hex",))
def _decode(styled: StyleExpr, encoding: str) -> StyleExpr:
    """Decodes the legend: with `hex`, `_21` becomes `!`; `none` leaves it as it is."""
    return _with_command(styled, f"{encode(encoding)},:decode")


@STYLE.word(
    "s",
    "StyleExpr s:String r:String -- StyleExpr",
    examples=(f"{_LINE},^s(.*)$,$1", f"{_LINE},a,b"),
)
def _search(styled: StyleExpr, pattern: str, replacement: str) -> StyleExpr:
    """Replaces what a pattern finds in the legend; `$1` and `$name` stand for its groups."""
    return _with_command(styled, f"{encode(pattern)},{encode(replacement)},:s")


def _with_command(styled: StyleExpr, command: str) -> StyleExpr:
    before = styled.get("sed")
    return styled.with_setting("sed", command if before is None else f"{before},{command}")


@STYLE.word("strip-style", "StyleExpr -- TimeSeriesExpr", examples=(f"{_LINE},2,:lw",))
def _strip(styled: StyleExpr) -> TimeSeriesExpr:
    """The expression without anything that was said about its looks."""
    return styled.expr
