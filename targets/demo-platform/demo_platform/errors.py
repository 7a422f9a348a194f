"""The one error of the platform that a person can act on: what, where, how to fix."""

import difflib
from collections.abc import Iterable


class DemoError(Exception):
    """The platform cannot do what was asked, and says how to get it.

    has_details: whether the log says more, and is to be saved when the folder is removed.
    """

    def __init__(self, what: str, *, where: str, fix: str, has_details: bool = False) -> None:
        super().__init__(what)
        self.has_details = has_details
        self.what, self.where, self.fix = what, where, fix

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n  fix: {self.fix}"

    def as_dict(self) -> dict[str, str]:
        """The three fields, as the control API and the keeper's status pipe carry them."""
        return {"what": self.what, "where": self.where, "fix": self.fix}


def unknown_name(kind: str, name: str, known: Iterable[str], *, where: str) -> DemoError:
    """An unknown name of a kind, with the nearest known one or the list of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}? known:" if near else "choose one of:"
    return DemoError(f"unknown {kind} {name!r}", where=where, fix=f"{hint} {', '.join(names)}")
