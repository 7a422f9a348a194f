"""The named diagonal of the failure matrix: each phase, event and fault; `make matrix` runs all."""

from __future__ import annotations

import pytest

from tests.integration.bed import Bed
from tests.matrix.cells import Cell, diagonal
from tests.matrix.trying import try_cell

pytestmark = [pytest.mark.integration, pytest.mark.timeout(150)]


def _parameters() -> list[object]:
    """A file system that is really full is root's to make."""
    return [
        pytest.param(
            cell, id=cell.name, marks=[pytest.mark.root_only] if cell.event == "disk full" else []
        )
        for cell in diagonal()
    ]


@pytest.mark.parametrize("cell", _parameters())
def test_nothing_is_left(bed: Bed, cell: Cell) -> None:
    result = try_cell(bed, cell)
    print(f"{cell.name}: clean after {result.clean_s} s, hit in {result.hit}")
    assert result.is_clean, result
