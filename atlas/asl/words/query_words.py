"""Words that choose series by their tags."""

from __future__ import annotations

import re

from atlas.asl.word import Vocabulary
from atlas.asl.words.std_words import STD
from atlas.expr.query_expr import (
    Compare,
    Equal,
    FalseQuery,
    HasKey,
    In,
    Query,
    Regex,
    TrueQuery,
    both,
    either,
    narrowed,
    negated,
)
from atlas.expr.tree import Node

QUERY = Vocabulary("query", before=STD)

_SPECIAL = re.compile(r"[\\^$.?*+\[\](){}]")
_CONTROL = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f"}


def _literal(text: str) -> str:
    """`text` as a pattern that matches only itself; `|` and `-` stay, as in the original."""
    escaped = _SPECIAL.sub(lambda m: "\\" + m.group(), text)
    return "".join(c if " " <= c <= "~" else _CONTROL.get(c, f"\\u{ord(c):04x}") for c in escaped)


@QUERY.word("true", " -- Query", examples=("",))
def _true() -> Query:
    """Selects every series."""
    return TrueQuery()


@QUERY.word("false", " -- Query", examples=("",))
def _false() -> Query:
    """Selects no series."""
    return FalseQuery()


@QUERY.word("has", "k:String -- Query", examples=("name", "nf.cluster"))
def _has(key: str) -> Query:
    """Selects series that have the key."""
    return HasKey(key)


@QUERY.word("eq", "k:String v:String -- Query", examples=("name,sps", "name,a\\u002cb"))
def _eq(key: str, value: str) -> Query:
    """Selects series whose value for the key is exactly this one."""
    return Equal(key, value)


@QUERY.word("lt", "k:String v:String -- Query", examples=("name,sps",))
def _lt(key: str, value: str) -> Query:
    """Selects series whose value comes before this one, compared as text."""
    return Compare(key, value, "lt")


@QUERY.word("le", "k:String v:String -- Query", examples=("name,sps",))
def _le(key: str, value: str) -> Query:
    """Selects series whose value comes before this one, or is this one."""
    return Compare(key, value, "le")


@QUERY.word("gt", "k:String v:String -- Query", examples=("name,sps", "2,1"))
def _gt(key: str, value: str) -> Query:
    """Selects series whose value comes after this one, compared as text."""
    return Compare(key, value, "gt")


@QUERY.word("ge", "k:String v:String -- Query", examples=("name,sps",))
def _ge(key: str, value: str) -> Query:
    """Selects series whose value comes after this one, or is this one."""
    return Compare(key, value, "ge")


@QUERY.word("re", "k:String v:String -- Query", examples=("name,s.s", "name,(a|b)\\d+"))
def _re(key: str, pattern: str) -> Query:
    """Selects series whose value matches a regular expression from its beginning."""
    return Regex(key, pattern)


@QUERY.word("reic", "k:String v:String -- Query", examples=("name,S.S",))
def _reic(key: str, pattern: str) -> Query:
    """Selects as `:re` does, without regard to case."""
    return Regex(key, pattern, ignore_case=True)


@QUERY.word("contains", "k:String v:String -- Query", examples=("name,ps", "name,a.b"))
def _contains(key: str, text: str) -> Query:
    """Selects series whose value contains the text."""
    return Regex(key, ".*" + _literal(text))


@QUERY.word("starts", "k:String v:String -- Query", examples=("name,ssCpu",))
def _starts(key: str, text: str) -> Query:
    """Selects series whose value begins with the text."""
    return Regex(key, _literal(text))


@QUERY.word("ends", "k:String v:String -- Query", examples=("name,Idle",))
def _ends(key: str, text: str) -> Query:
    """Selects series whose value ends with the text."""
    return Regex(key, ".*" + _literal(text) + "$")


@QUERY.word(
    "in", "k:String vs:StringList -- Query", examples=("name,(,a,b,)", "name,(,a,)", "name,(,)")
)
def _in(key: str, values: tuple[str, ...]) -> Query:
    """Selects series whose value is one of the list."""
    if len(values) < 2:
        return Equal(key, values[0]) if values else FalseQuery()
    return In(key, values)


@QUERY.word("and", "q1:Query q2:Query -- Query", examples=("a,1,:eq,b,:has", ":true,a,1,:eq"))
def _and(left: Query, right: Query) -> Query:
    """Selects what both queries select."""
    return both(left, right)


@QUERY.word("or", "q1:Query q2:Query -- Query", examples=("a,1,:eq,b,:has", ":false,a,1,:eq"))
def _or(left: Query, right: Query) -> Query:
    """Selects what either query selects."""
    return either(left, right)


@QUERY.word("not", "q:Query -- Query", examples=("a,1,:eq", "a,1,:eq,:not", ":true"))
def _not(query: Query) -> Query:
    """Selects what the query does not."""
    return negated(query)


@QUERY.word(
    "cq",
    "expr:Any q:Query -- Any",
    examples=("name,sps,:eq,:sum,k,:has", "name,sps,:eq,:avg,k,:has", "42,k,:has"),
)
def _cq(item: object, query: Query) -> object:
    """Narrows every query of an expression to what this one selects, too; leaves texts alone."""
    return narrowed(item, query) if isinstance(item, Node) else item
