"""What we make in a namespace is named for its undo record; so undo finds its own, and only that.

A link can carry an alias of any text, but its name has fifteen letters: there a digest stands for
the record. The alias of a link that was taken out of its bridge says which bridge that was.
"""

from __future__ import annotations

import hashlib

PREFIX = "chaosctl-"


def tag_of(record: str) -> str:
    """The mark that everything made for this record carries."""
    return PREFIX + record


def alias_of(record: str, bridge: str) -> str:
    """The alias of a link that this record took out of a bridge."""
    return f"{tag_of(record)} {bridge}"


def bridge_in(alias: str, record: str) -> str | None:
    """The bridge a link belongs in; None if the alias is not this record's."""
    tag, _, bridge = alias.partition(" ")
    return bridge if tag == tag_of(record) else None


def pair_names(record: str, index: int) -> tuple[str, str]:
    """Names of the veth pair of the record's nth link: bridge side, and our side.

    >>> pair_names("r1", 3)
    ('cs82f3e9c03b', 'cs82f3e9c03p')
    """
    stem = f"cs{hashlib.sha256(record.encode()).hexdigest()[:7]}{index:02x}"
    return f"{stem}b", f"{stem}p"
