"""What documents of these tests call: a shop whose stock is a file."""

from __future__ import annotations

import os
from pathlib import Path


def _stock() -> Path:
    return Path(os.environ["SHOP_FOLDER"]) / "stock"


def orders_per_second() -> float:
    """About ten."""
    return 10.1


def prices(shop: str) -> dict[str, float]:
    """Of what that shop sells."""
    return {f"{shop} bread": 2.5, f"{shop} milk": 1.2}


def are_fair(value: dict[str, float]) -> bool:
    """Whether nothing costs too much."""
    return max(value.values()) < 3


def hide_stock(by: str, secrets: dict[str, str], configuration: dict[str, str]) -> str:
    """Take so much away; for keepers only, and never more than is usual."""
    if secrets["token"] != os.environ["SHOP_TOKEN"] or by != configuration["usual"]:
        raise PermissionError(f"not with {secrets['token']}")
    _stock().write_text(str(int(_stock().read_text()) - int(by)))
    return f"hidden with {secrets['token']}"


def put_back(secrets: dict[str, str]) -> None:
    """As it was."""
    if secrets["token"] == os.environ["SHOP_TOKEN"]:
        _stock().write_text("12")


def stock() -> int:
    """How much is there."""
    return int(_stock().read_text())


def is_shop() -> bool:
    """It is."""
    return True


def name() -> str:
    """Of the shop."""
    return "north"
