"""The application against recorded answers of the original, as tests/data/oracle tells."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest

from tests.oracle import known
from tests.oracle.application import BASE_END_MS, application
from tests.oracle.callers import InProcess
from tests.oracle.dataset import all_series
from tests.oracle.replay import load, replay
from tests.oracle.vectors import vectors

VECTORS = vectors()
CATEGORIES = list(dict.fromkeys(vector.category for vector in VECTORS))
DIGEST_OF_DATA = "b539c3b0a74589bbeb64f765a69b2f6b7685cc7ab2b04fc73a432f2f03a82ae1"
SURPRISES_SHOWN_MAX = 5


@pytest.fixture(scope="module")
def caller() -> Iterator[InProcess]:
    with InProcess(application()) as caller:
        load(caller, BASE_END_MS)
        yield caller


def test_data_is_what_the_questions_were_asked_of():
    digest = hashlib.sha256()
    for series in all_series():
        digest.update(json.dumps([series.tags, series.points], sort_keys=True).encode())
    assert digest.hexdigest() == DIGEST_OF_DATA


@pytest.mark.parametrize("category", CATEGORIES)
def test_answers_are_those_recorded(category, caller):
    chosen = [vector for vector in VECTORS if vector.category == category]
    found = known.surprises(replay(caller, chosen, BASE_END_MS), known.read())
    shown = "\n".join(found[:SURPRISES_SHOWN_MAX])
    assert not found, f"{len(found)} of {category} are not as listed:\n{shown}"
