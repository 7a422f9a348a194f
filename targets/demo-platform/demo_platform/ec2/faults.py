"""What the API says when it cannot do what was asked, by AWS's codes."""

from __future__ import annotations


class AwsFault(Exception):
    """An error as AWS's clients know it. status: that of the HTTP answer."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def invalid(message: str) -> AwsFault:
    """What Auto Scaling calls every mistake in a request."""
    return AwsFault("ValidationError", message)


def bad_value(message: str) -> AwsFault:
    """What EC2 calls a value that cannot be."""
    return AwsFault("InvalidParameterValue", message)
