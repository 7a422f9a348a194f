"""The values of one key: a code per row, a text per code, and which texts a clause accepts."""

from __future__ import annotations

from itertools import compress

import numpy as np

from atlas.expr.query_expr import Equal, KeyQuery
from atlas.store.layout import BoolArray, RowArray

TEXT_BYTES = 130
"""What the tables take for each value of a key, measured; the text comes on top."""

_TABLES_MAX, _TABLES_SIZE_MAX = 32, 1 << 22  # tables and bytes kept for each key
_NO_TEXTS = np.zeros(1, np.bool_)


class Column:
    """The values of one key: a code per row, and a text per code."""

    __slots__ = ("_tables", "_tables_of", "code_of", "codes", "text_bytes", "texts")

    def __init__(self, row_count: int) -> None:
        self._tables: dict[KeyQuery, BoolArray] = {}
        self._tables_of: list[str] = []
        self.codes: RowArray = np.full(row_count, -1, np.int32)
        self.texts: list[str] = []
        self.code_of: dict[str, int] = {}
        self.text_bytes = 0

    @property
    def size_bytes(self) -> int:
        """What codes, texts and answers of clauses take."""
        tables = sum(table.nbytes for table in self._tables.values())
        return self.codes.nbytes + self.text_bytes + tables

    def code(self, text: str) -> int:
        """The code of a value, made if need be."""
        code = self.code_of.get(text)
        if code is None:
            code = self.code_of[text] = len(self.texts)
            self.texts.append(text)
            self.text_bytes += TEXT_BYTES + len(text)
        return code

    def grow(self, row_count: int) -> None:
        """Make room for `row_count` rows."""
        codes = np.full(row_count, -1, np.int32)
        codes[: len(self.codes)] = self.codes
        self.codes = codes

    def texts_in(self, codes: RowArray) -> tuple[str, ...]:
        """The values that the codes stand for, sorted."""
        used = np.zeros(len(self.texts) + 1, np.bool_)
        used[codes] = True
        return tuple(sorted(self.texts[code] for code in np.flatnonzero(used[:-1]).tolist()))

    def accepted(self, query: KeyQuery, rows: RowArray) -> BoolArray:
        """Which rows have a value that the query accepts."""
        if isinstance(query, Equal):
            return np.asarray(self.codes[rows] == self.code_of.get(query.value, -2))
        return np.asarray(self._table(query)[self.codes[rows]])

    def accepted_texts(self, query: KeyQuery) -> list[str]:
        """The values that the query accepts."""
        if isinstance(query, Equal):
            return [query.value]
        return list(compress(self.texts, self._table(query)))

    def _table(self, query: KeyQuery) -> BoolArray:
        """Whether each value is accepted, and False last, which is where code −1 lands.

        Tables are kept: a query that is asked again looks at new values only.
        """
        if self._tables_of is not self.texts:
            self._tables.clear()
            self._tables_of = self.texts
        table = self._tables.pop(query, _NO_TEXTS)
        if len(table) <= len(self.texts):
            new = query.accepts_many(self.texts[len(table) - 1 :])
            table = np.concatenate((table[:-1], new, _NO_TEXTS))
        self._tables[query] = table
        if len(self._tables) > max(min(_TABLES_MAX, _TABLES_SIZE_MAX // len(table)), 1):
            del self._tables[next(iter(self._tables))]
        return table
