"""Whether a query of the document can be judged: it parses, and gives exactly one line."""

from __future__ import annotations

from atlas.asl import parse_exprs
from atlas.errors import AslError
from atlas.expr.data_expr import All, data_exprs
from chaosctl.experiment.forms import Notes
from chaosctl.experiment.nodes import Place, Scalar


def check_query(text: str, node: Scalar, notes: Notes) -> bool:
    """Note what is wrong with the query, at its place inside the text; True if nothing is."""
    try:
        exprs = parse_exprs(text)
    except AslError as error:
        place = _place_of(node, text, error.span)
        notes.add(place, error.what, error.fix or "`chaosctl atlas query` tries a query out")
        return False
    if len(exprs) != 1:
        what = f"the query leaves {len(exprs)} expressions, and a check needs exactly one"
        notes.add(node.place, what, "join them, as in 'a,b,:div'")
        return False
    expr = exprs[0].expr
    leaves = list(data_exprs(expr))
    keys = expr.grouping
    if keys or isinstance(expr, All):
        by = f"for each value of {', '.join(keys)}" if keys else "for each series"
        what = f"the query gives a line {by}, and a check needs exactly one"
        notes.add(node.place, what, "end it with ',:sum' or another aggregate, or leave ':by' out")
        return False
    if not leaves:
        notes.add(
            node.place, "the query asks for no data", "begin as in 'name,playback.starts,:eq'"
        )
        return False
    return True


def _place_of(node: Scalar, text: str, span: tuple[int, int] | None) -> Place:
    """The characters meant; the whole value where text and document do not stand side by side."""
    is_side_by_side = not node.is_block and node.place.length >= len(text)
    if span is None or not is_side_by_side:
        return node.place
    start = node.text.index(text) + span[0] + int(node.is_quoted)
    return node.place.inside(start, span[1] - span[0])
