"""Which of several contradicting statuses holds."""

import pytest

from demo_platform.eureka.statuses import Status, effective_status, status_of

UP, DOWN, STARTING = Status.UP, Status.DOWN, Status.STARTING
OUT, UNKNOWN = Status.OUT_OF_SERVICE, Status.UNKNOWN


@pytest.mark.parametrize(
    ("said", "override", "leased", "is_replica", "holds"),
    [
        (UP, None, None, False, UP),
        (DOWN, OUT, UP, False, DOWN),
        (STARTING, UP, UP, False, STARTING),
        (UNKNOWN, None, UP, False, UNKNOWN),
        (UP, OUT, UP, False, OUT),
        (OUT, UP, OUT, True, UP),
        (UP, None, OUT, False, OUT),
        (UP, None, OUT, True, UP),
        (UP, None, STARTING, False, UP),
    ],
)
def test_first_rule_that_applies_decides(
    said: Status, override: Status | None, leased: Status | None, is_replica: bool, holds: Status
) -> None:
    found = effective_status(said, override=override, leased=leased, is_replica=is_replica)
    assert found is holds


@pytest.mark.parametrize(
    ("word", "status"), [("up", UP), ("UP", UP), ("", UNKNOWN), (None, UNKNOWN), ("odd", UNKNOWN)]
)
def test_a_word_that_names_no_status_is_unknown(word: str | None, status: Status) -> None:
    assert status_of(word) is status
