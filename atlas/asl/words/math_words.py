"""Words that compute with lines: how they are grouped, and how a macro keeps its name.

Generators, operators and statistics have modules of their own, which add to the same vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from atlas.asl.datatypes import as_series
from atlas.asl.word import Context, Vocabulary
from atlas.asl.words.data_words import DATA
from atlas.errors import AslError
from atlas.expr.math_expr import NamedRewrite, Renamed, grouped_by, with_common_keys
from atlas.expr.style_expr import StyleExpr
from atlas.expr.tree import Node, TimeSeriesExpr

MATH = Vocabulary("math", before=DATA)


@MATH.word(
    "as",
    "TimeSeriesExpr original:String replacement:String -- TimeSeriesExpr",
    examples=("name,sps,:eq,(,nf.cluster,),:by,nf.cluster,c",),
)
def _as(expr: TimeSeriesExpr, key: str, new_key: str) -> TimeSeriesExpr:
    """Gives a tag key of the lines, and of their grouping, another name."""
    return Renamed(expr, key, new_key)


@MATH.context_word(
    "by",
    "TimeSeriesExpr keys:List -- TimeSeriesExpr",
    takes="TimeSeriesExpr StringList",
    examples=(
        "name,sps,:eq,2,:mul,(,k,)",
        "name,sps,:eq,(,a,b,),:by,:max,(,a,)",
        "name,sps,:eq,:avg,(,k,)",
    ),
)
def _by(context: Context, expr: TimeSeriesExpr, keys: tuple[str, ...]) -> Context:
    """Groups every aggregate inside by the keys; lines already grouped are grouped again."""
    return context.push(grouped_by(expr, keys))


@MATH.context_word(
    "cg",
    "Expr keys:List -- Expr",
    takes="TimeSeriesExpr StringList",
    examples=("name,sps,:eq,(,k,)", "name,sps,:eq,(,a,),:by,:max,(,k,)", "name,sps,:eq,:avg,(,k,)"),
    keeps_style=True,
)
def _common_keys(context: Context, expr: TimeSeriesExpr, keys: tuple[str, ...]) -> Context:
    """Adds the keys to every grouping inside; what is not grouped yet is grouped by them."""
    return context.push(with_common_keys(expr, keys))


@MATH.context_word(
    "named-rewrite",
    "original:TimeSeriesExpr rewritten:TimeSeriesExpr name:String -- TimeSeriesExpr",
    takes="original:Expr rewritten:StyleExpr name:String",
    examples=("name,sps,:eq,:dup,:dup,:sum,:swap,:count,:div,avg",),
)
def _named_rewrite(context: Context, original: Node, rewritten: StyleExpr, name: str) -> Context:
    """Makes an expression print as another one and a word; for words that programs define."""
    display = original.expr if isinstance(original, StyleExpr) else original
    rewrite = NamedRewrite(name, display, _Rerun(context, display, rewritten.expr, name))
    # What is kept of the looks is that of the operand.
    kept = replace(original, expr=rewrite) if isinstance(original, StyleExpr) else rewrite
    return context.push(kept)


@dataclass(frozen=True, slots=True)
class _Rerun:
    """What a rewrite stands for: as it was given, or what its word makes of another operand."""

    context: Context
    original: Node
    rewritten: TimeSeriesExpr
    name: str

    def __call__(self, display: Node) -> TimeSeriesExpr:
        if display == self.original:
            return self.rewritten
        blank = self.context.drop(len(self.context.stack))
        after = blank.push(display).call([f":{self.name}"])
        expr = as_series(after.stack[0]) if len(after.stack) == 1 else None
        if expr is None:
            raise AslError(
                f"invalid stack for :{self.name}", fix="have the word leave one expression"
            )
        return expr.expansion if isinstance(expr, NamedRewrite) else expr
