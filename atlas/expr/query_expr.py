"""Queries: predicates over the tags of a series.

A key that is missing fails every predicate on it, so `:not` of such a predicate succeeds. `matches`
is the plain definition; the index answers the same question for all series at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from atlas.expr.text import encode
from atlas.expr.tree import Node, rewritten
from atlas.model import Tags

if TYPE_CHECKING:
    from atlas.expr.pattern import Pattern


class Query(Node):
    """The base of all queries; each prints as the program that makes it."""

    __slots__ = ()

    def matches(self, tags: Tags) -> bool:
        """Whether a series with these tags is selected."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class TrueQuery(Query):
    """Selects everything."""

    @property
    def original_name(self) -> str:
        """The class has the bare name in the original."""
        return "True"

    def matches(self, tags: Tags) -> bool:
        """Always."""
        return True

    def __str__(self) -> str:
        return ":true"


@dataclass(frozen=True, slots=True)
class FalseQuery(Query):
    """Selects nothing."""

    @property
    def original_name(self) -> str:
        """The class has the bare name in the original."""
        return "False"

    def matches(self, tags: Tags) -> bool:
        """Never."""
        return False

    def __str__(self) -> str:
        return ":false"


class KeyQuery(Query):
    """A predicate on the value of one key; `accepts_many` is all that the index needs to know."""

    __slots__ = ()
    key: str

    def accepts(self, value: str) -> bool:
        """Whether a value of the key is selected."""
        raise NotImplementedError

    def accepts_many(self, values: Sequence[str]) -> Sequence[bool]:
        """Whether each of several values is selected."""
        return list(map(self.accepts, values))

    def matches(self, tags: Tags) -> bool:
        """If the key is there and its value accepted."""
        value = tags.get(self.key)
        return value is not None and self.accepts(value)


@dataclass(frozen=True, slots=True)
class HasKey(KeyQuery):
    """Selects series that have the key."""

    key: str

    def accepts(self, value: str) -> bool:
        """Any value."""
        return True

    def __str__(self) -> str:
        return f"{encode(self.key)},:has"


@dataclass(frozen=True, slots=True)
class Equal(KeyQuery):
    """Selects series whose value is exactly this one."""

    key: str
    value: str

    def accepts(self, value: str) -> bool:
        """This value."""
        return value == self.value

    def __str__(self) -> str:
        return f"{encode(self.key)},{encode(self.value)},:eq"


_COMPARE_NAMES = {
    "lt": "LessThan",
    "le": "LessThanEqual",
    "gt": "GreaterThan",
    "ge": "GreaterThanEqual",
}


def utf16(text: str) -> bytes:
    """What texts are ordered by: code units, as in the original."""
    return text.encode("utf-16-be", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Compare(KeyQuery):
    """Selects series whose value lies before or after another, by UTF-16 code unit."""

    key: str
    value: str
    word: str

    @property
    def original_name(self) -> str:
        """`LessThan` …"""
        return _COMPARE_NAMES[self.word]

    def accepts(self, value: str) -> bool:
        """What lies on the right side of the other value."""
        left, right = utf16(value), utf16(self.value)
        match self.word:
            case "lt":
                return left < right
            case "le":
                return left <= right
            case "gt":
                return left > right
            case _:
                return left >= right

    def __str__(self) -> str:
        return f"{encode(self.key)},{encode(self.value)},:{self.word}"


@dataclass(frozen=True, slots=True)
class In(KeyQuery):
    """Selects series whose value is one of several."""

    key: str
    values: tuple[str, ...]

    def accepts(self, value: str) -> bool:
        """Any of the values."""
        return value in self.values

    def __str__(self) -> str:
        return f"{encode(self.key)},(,{','.join(map(encode, self.values))},),:in"


def _compiled(regex: Regex) -> Pattern:
    # Patterns load numpy; whoever parses programs without patterns needs none.
    from atlas.expr.pattern import compile_pattern  # noqa: PLC0415

    return compile_pattern(regex.pattern, regex.ignore_case)


@dataclass(frozen=True, slots=True)
class Regex(KeyQuery):
    """Selects series whose value matches a pattern from its beginning."""

    key: str
    pattern: str
    ignore_case: bool = False

    def __post_init__(self) -> None:
        _compiled(self)

    @property
    def original_name(self) -> str:
        """One class for each word."""
        return "RegexIgnoreCase" if self.ignore_case else "Regex"

    def accepts(self, value: str) -> bool:
        """What the pattern finds."""
        return _compiled(self).accepts(value)

    def accepts_many(self, values: Sequence[str]) -> Sequence[bool]:
        """All values at once, in bounded time."""
        return list(_compiled(self).accepts_many(values))

    def __str__(self) -> str:
        return f"{encode(self.key)},{encode(self.pattern)},:{'reic' if self.ignore_case else 're'}"


@dataclass(frozen=True, slots=True)
class And(Query):
    """Selects what both sides select."""

    left: Query
    right: Query

    def matches(self, tags: Tags) -> bool:
        """If both sides do."""
        return self.left.matches(tags) and self.right.matches(tags)

    def __str__(self) -> str:
        return f"{self.left},{self.right},:and"


@dataclass(frozen=True, slots=True)
class Or(Query):
    """Selects what either side selects."""

    left: Query
    right: Query

    def matches(self, tags: Tags) -> bool:
        """If either side does."""
        return self.left.matches(tags) or self.right.matches(tags)

    def __str__(self) -> str:
        return f"{self.left},{self.right},:or"


@dataclass(frozen=True, slots=True)
class Not(Query):
    """Selects what the query inside does not."""

    query: Query

    def matches(self, tags: Tags) -> bool:
        """If the query inside does not."""
        return not self.query.matches(tags)

    def __str__(self) -> str:
        return f"{self.query},:not"


def both(left: Query, right: Query) -> Query:
    """`left and right`, with true and false taken out."""
    if isinstance(left, FalseQuery) or isinstance(right, FalseQuery):
        return FalseQuery()
    if isinstance(left, TrueQuery):
        return right
    return left if isinstance(right, TrueQuery) else And(left, right)


def either(left: Query, right: Query) -> Query:
    """`left or right`, with true and false taken out."""
    if isinstance(left, TrueQuery) or isinstance(right, TrueQuery):
        return TrueQuery()
    if isinstance(left, FalseQuery):
        return right
    return left if isinstance(right, FalseQuery) else Or(left, right)


def negated(query: Query) -> Query:
    """`not query`; a double negation is kept, as in the original."""
    match query:
        case TrueQuery():
            return FalseQuery()
        case FalseQuery():
            return TrueQuery()
        case _:
            return Not(query)


def narrowed(node: Node, query: Query) -> Node:
    """Every query of an expression, and this one; words that keep their name expand again."""
    return rewritten(node, lambda part: both(part, query) if isinstance(part, Query) else None)


def clauses(query: Query) -> Iterator[Query]:
    """The parts that must all hold: what is joined by `:and`, left to right."""
    if isinstance(query, And):
        yield from clauses(query.left)
        yield from clauses(query.right)
    else:
        yield query


def exact_tags(query: Query) -> dict[str, str]:
    """Tags that every selected series is known to share; they survive an aggregation."""
    return {c.key: c.value for c in clauses(query) if isinstance(c, Equal)}


def exact_name(query: Query) -> str | None:
    """The name that all selected series have, or None if they may have several."""
    names = {c.value for c in clauses(query) if isinstance(c, Equal) and c.key == "name"}
    return names.pop() if len(names) == 1 else None


def on_keys(query: Query, is_kept: Callable[[str], bool]) -> Query:
    """The part of a query that is about certain keys; what it says of others is taken as true."""
    match query:
        case KeyQuery():
            return query if is_kept(query.key) else TrueQuery()
        case And():
            return both(on_keys(query.left, is_kept), on_keys(query.right, is_kept))
        case Or():
            return either(on_keys(query.left, is_kept), on_keys(query.right, is_kept))
        case Not():
            inner = on_keys(query.query, is_kept)
            return inner if isinstance(inner, TrueQuery) else negated(inner)
        case _:
            return query
