"""What a discovery server lists, read with distrust."""

from __future__ import annotations

import pytest

from demo_platform.registration import up_ids


@pytest.mark.parametrize(
    ("document", "ids"),
    [
        ([{"id": "i-1", "status": "UP"}, {"id": "i-2", "status": "up"}], {"i-1", "i-2"}),
        ([{"id": "i-1", "status": "DOWN"}, {"id": "i-2"}, {"status": "UP"}], set()),
        ([], set()),
        ([None, "i-1", 3], set()),
        ({"instances": []}, set()),
        (None, set()),
    ],
)
def test_only_entries_that_are_up_count(document: object, ids: set[str]) -> None:
    assert up_ids(document) == ids
