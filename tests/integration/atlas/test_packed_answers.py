"""The recorded answers of the original hold when everything in the store is packed."""

from __future__ import annotations

import pytest

from tests.oracle.application import BASE_END_MS, application
from tests.oracle.callers import InProcess
from tests.oracle.replay import load, replay
from tests.oracle.vectors import vectors

pytestmark = pytest.mark.integration

DAY_MS = 86_400_000


def test_answers_of_packed_values_are_those_recorded():
    app = application()
    store = app.state.atlas.store
    with InProcess(app) as caller:
        load(caller, BASE_END_MS)
        assert store.pack(BASE_END_MS + DAY_MS) == store.stats().block_count
        assert store.stats().block_bytes["open"] == 0
        asked = [v for v in vectors() if not v.category.startswith("publish")]
        failures = [f for result in replay(caller, asked, BASE_END_MS) for f in result.failures]
    assert not failures, "\n".join(failures[:5])
