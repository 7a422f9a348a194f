"""What the store says when it cannot do as asked: what, where and how to fix it.

`message` is the text a client of the original Atlas would see, class name first, because dashboards
and scripts match on it. `status` is the HTTP status that goes with that class.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

STATUS_BY_CLASS: Mapping[str, int] = MappingProxyType({"NoSuchElementException": 404})
"""Exception classes whose status is not 400."""


class AtlasError(Exception):
    """The base of everything the store reports to its caller."""

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        fix: str = "",
        original_class: str = "IllegalArgumentException",
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix
        self.original_class = original_class

    @property
    def message(self) -> str:
        """The text of the original server: class name, colon, what; a few texts have no class."""
        return f"{self.original_class}: {self.what}" if self.original_class else self.what

    @property
    def status(self) -> int:
        """The HTTP status that belongs to the class."""
        return STATUS_BY_CLASS.get(self.original_class, 400)

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  fix: {self.fix}" if self.fix else head


class AslError(AtlasError):
    """A program that cannot be parsed or run; `span` says which characters are meant."""

    def __init__(
        self,
        what: str,
        *,
        span: tuple[int, int] | None = None,
        fix: str = "",
        original_class: str = "IllegalStateException",
    ) -> None:
        where = f"column {span[0] + 1}" if span is not None else ""
        super().__init__(what, where=where, fix=fix, original_class=original_class)
        self.span = span

    def at(self, span: tuple[int, int]) -> AslError:
        """This error placed at `span`, unless it has a place already."""
        if self.span is None:
            self.span = span
            self.where = f"column {span[0] + 1}"
        return self


class BadData(AtlasError):
    """Data, or a parameter of a request, that is not well formed."""


class LimitExceeded(AtlasError):
    """A bound of the store was reached; nothing was changed."""


class StoreUnreachable(AtlasError):
    """No store answered at the address, or its answer could not be understood."""


def requirement_failed(text: str) -> AslError:
    """The error of a failed precondition; the prefix is part of the original's text."""
    return AslError(f"requirement failed: {text}", original_class="IllegalArgumentException")
