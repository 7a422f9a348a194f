"""What servers answer to a GET. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException


def read(
    addresses: Sequence[tuple[str, int]],
    path: str,
    headers: Mapping[str, str],
    timeout_s: float,
) -> list[str | None]:
    """The page of each; None where there is none in time."""
    return [_read(address, path, headers, timeout_s) for address in addresses]


def _read(
    address: tuple[str, int], path: str, headers: Mapping[str, str], timeout_s: float
) -> str | None:
    connection = HTTPConnection(*address, timeout=timeout_s)
    try:
        connection.request("GET", path, headers=dict(headers))
        response = connection.getresponse()
        page = response.read().decode(errors="replace")
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
    return page if response.status == 200 else None
