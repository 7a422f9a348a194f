"""Words for double exponential smoothing: what is expected of a line, and when it deviates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from atlas.asl.word import Context
from atlas.asl.words.stateful_words import STATEFUL
from atlas.asl.words.style_words import STYLE
from atlas.expr.math_expr import Binary, Constant, NamedRewrite
from atlas.expr.stateful_expr import Des, SlidingDes
from atlas.expr.style_expr import StyleExpr, with_alpha
from atlas.expr.text import number_text
from atlas.expr.tree import Node, TimeSeriesExpr

_LINE = "name,sps,:eq,:sum"
_SIGNATURE = "TimeSeriesExpr training:Int alpha:Double beta:Double -- TimeSeriesExpr"
_PRESETS = {
    "simple": (10, 0.1, 0.5, "a level that moves a little, and a slope that moves much"),
    "fast": (10, 0.1, 0.02, "a level that moves soonest, and a steady slope"),
    "slower": (10, 0.05, 0.03, "a level that moves later, and a steady slope"),
    "slow": (10, 0.03, 0.04, "a level that moves last, and a steady slope"),
}


@STATEFUL.word("des", _SIGNATURE, examples=(f"{_LINE},5,0.1,0.5",), keeps_style=True)
def _des(expr: TimeSeriesExpr, training: int, alpha: float, beta: float) -> TimeSeriesExpr:
    """What double exponential smoothing expects, from everything since the graph begins."""
    return Des(expr, training, alpha, beta)


@STATEFUL.word("sdes", _SIGNATURE, examples=(f"{_LINE},5,0.1,0.5",), keeps_style=True)
def _sdes(expr: TimeSeriesExpr, training: int, alpha: float, beta: float) -> TimeSeriesExpr:
    """What double exponential smoothing expects, from the training period before each one."""
    return SlidingDes(expr, training, alpha, beta)


def _preset_word(kind: type[Des | SlidingDes], preset: str) -> None:
    training, alpha, beta, behaviour = _PRESETS[preset]
    name = f"{kind.word}-{preset}"

    def expand(of: Node) -> TimeSeriesExpr:
        return kind(cast(TimeSeriesExpr, of), training, alpha, beta)

    def run(expr: TimeSeriesExpr) -> TimeSeriesExpr:
        return NamedRewrite(name, expr, expand)

    run.__doc__ = f"`{training},{alpha:g},{beta:g},:{kind.word}`: {behaviour}."
    signature = "TimeSeriesExpr -- TimeSeriesExpr"
    STATEFUL.word(name, signature, examples=("42", _LINE), keeps_style=True)(run)


for _kind in (Des, SlidingDes):
    for _preset in _PRESETS:
        _preset_word(_kind, _preset)


@dataclass(frozen=True, slots=True)
class _Epic:
    """What is expected of a line, and the bounds on both sides of it that it may reach.

    Bounds are a fixed distance from what is expected, and a part of it; both must be passed.
    """

    line: TimeSeriesExpr
    training: int
    alpha: float
    beta: float
    max_part: float
    min_part: float
    noise: float

    @property
    def expected(self) -> TimeSeriesExpr:
        return Des(self.line, self.training, self.alpha, self.beta)

    @property
    def bounds(self) -> dict[str, TimeSeriesExpr]:
        """The bounds, by the name that they have in legends and as variables."""
        expected, noise = self.expected, Constant(self.noise)
        return {
            "minPredNoiseBound": Binary("sub", expected, noise),
            "minPredPercentBound": Binary("fmul", expected, Constant(1.0 - self.min_part)),
            "maxPredNoiseBound": Binary("add", expected, noise),
            "maxPredPercentBound": Binary("fmul", expected, Constant(2.0 - (1.0 - self.max_part))),
        }

    @property
    def signal(self) -> TimeSeriesExpr:
        min_noise, min_part, max_noise, max_part = self.bounds.values()
        below = (Binary("lt", self.line, bound) for bound in (min_noise, min_part))
        above = (Binary("gt", self.line, bound) for bound in (max_noise, max_part))
        return Binary("or", Binary("and", *below), Binary("and", *above))

    def variables(self) -> dict[str, object]:
        """What the words leave behind for programs that show more than the signal."""
        return {
            "line": self.line,
            "trainingSize": str(self.training),
            "alpha": number_text(self.alpha),
            "beta": number_text(self.beta),
            "maxPercent": number_text(self.max_part),
            "minPercent": number_text(self.min_part),
            "noise": number_text(self.noise),
            "pred": self.expected,
            **self.bounds,
        }


_EPIC_SETTINGS = (
    "training:Int alpha:Double beta:Double maxPercent:Double minPercent:Double noise:Double"
)
_EPIC_EXAMPLES = (f"{_LINE},10,0.1,0.5,0.2,0.2,4",)


def _with_variables(context: Context, epic: _Epic) -> Context:
    for name, value in epic.variables().items():
        context = context.with_variable(name, value)
    return context


@STATEFUL.context_word(
    "des-epic-signal",
    "? -- ?",
    takes=f"TimeSeriesExpr {_EPIC_SETTINGS}",
    examples=_EPIC_EXAMPLES,
    keeps_style=True,
)
def _epic_signal(context: Context, line: TimeSeriesExpr, *settings: Any) -> Context:
    """1 where a line passes both a fixed and a relative bound around what is expected, else 0."""
    epic = _Epic(line, *settings)
    return _with_variables(context, epic).push(epic.signal)


@STYLE.context_word(
    "des-epic-viz",
    "? -- ?",
    takes=f"StyleExpr {_EPIC_SETTINGS}",
    examples=_EPIC_EXAMPLES,
)
def _epic_viz(context: Context, line: StyleExpr, *settings: Any) -> Context:
    """Draws `:des-epic-signal` as vertical bands, and the line with its four bounds."""
    epic = _Epic(line.expr, *settings)
    bands = StyleExpr(epic.signal).with_setting("ls", "vspan").with_setting("legend", "triggered")
    bounds = (StyleExpr(x).with_setting("legend", name) for name, x in epic.bounds.items())
    shown = line.with_setting("legend", "line")
    return _with_variables(context, epic).push(with_alpha(bands, "40"), shown, *bounds)
