"""Every word of the original, and no other, under the stack effect that its messages show."""

from __future__ import annotations

import re
from pathlib import Path

from atlas.asl.words import EVENT, VOCABULARIES

TABLE = Path(__file__).parent.parent / "data" / "asl" / "vocabulary.txt"
ALL = {**VOCABULARIES, "event": EVENT}
_ROW = re.compile(r'(\w+) +:(\S+) +"(.*)"')


def rows() -> list[tuple[str, str, str]]:
    lines = [line for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    matches = [_ROW.fullmatch(line) for line in lines]
    return [match.groups() for match in matches]


def built() -> list[tuple[str, str, str]]:
    found, earlier = [], set()
    for family, vocabulary in ALL.items():
        words = [word for word in vocabulary if word not in earlier]
        found += [(family, word.name, word.signature) for word in words]
        earlier |= set(words)
    return found


def test_vocabularies_have_the_words_of_the_table():
    assert sorted(built()) == sorted(rows())


def test_overloads_are_tried_in_the_order_of_the_table():
    for _, name, _ in rows():
        overloads = [word.signature for word in VOCABULARIES["custom"].overloads(name)]
        assert overloads == [s for f, n, s in rows() if n == name and f != "event"], f":{name}"
