"""Errors of the Army: what, where, and how to fix it."""

from __future__ import annotations


class MonkeyError(Exception):
    """A monkey or driver could not do what was asked."""

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.fix = what, where, fix

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class NotSupported(MonkeyError):
    """The target lacks a capability."""


class Refused(MonkeyError):
    """A gate said no; not a failure."""


class TargetFailed(MonkeyError):
    """The target did not do what was asked, or did not answer in time."""
