"""What members come for: of which titles, in which cohort, for how long."""

import random
from collections import Counter

import pytest

from demo_platform.knobs import Knobs
from demo_platform.members.intent import (
    CONTROL,
    EXPERIMENT,
    MEMBERS,
    SESSION_S_MAX,
    THINK_TIMES_MAX,
    TITLES,
    Intent,
    Intents,
    cohort_of,
)


def drawn(count: int, **dials: float) -> list[Intent]:
    knobs = Knobs()
    for name, value in dials.items():
        knobs.turn(name.replace("_", "-"), value)
    intents = Intents(random.Random(7), knobs)
    return [intents.draw() for _ in range(count)]


def test_everything_is_within_its_bounds() -> None:
    for each in drawn(5000, think_s=0.5, title_skew=0.7):
        assert 0 <= each.member < MEMBERS
        assert 0 <= each.title < TITLES
        assert 0 < each.watch_s <= SESSION_S_MAX
        assert all(0 <= think_s <= 0.5 * THINK_TIMES_MAX for think_s in each.think_s)


def test_titles_follow_zipf() -> None:
    asked = Counter(each.title for each in drawn(20_000))
    assert asked[0] / asked[1] == pytest.approx(2, rel=0.1)
    assert asked[0] / asked[9] == pytest.approx(10, rel=0.2)
    alike = Counter(each.title for each in drawn(20_000, title_skew=0.0))
    assert len(alike) == TITLES
    assert max(alike.values()) < 50


def test_means_are_as_the_dials_say() -> None:
    visits = drawn(20_000, think_s=2.0, search_ratio=0.3)
    think_s = [each_s for visit in visits for each_s in visit.think_s]
    assert sum(think_s) / len(think_s) == pytest.approx(2.0, rel=0.02)
    assert sum(bool(visit.word) for visit in visits) / len(visits) == pytest.approx(0.3, abs=0.02)
    assert sum(visit.watch_s for visit in visits) / len(visits) == pytest.approx(20, rel=0.04)


def test_a_dial_changes_only_what_it_is_about() -> None:
    plain = drawn(50)
    turned = drawn(50, cohort_ratio=0.5, search_ratio=1.0, think_s=0.0, title_skew=2.0)
    same = [(one.number, one.member, one.watch_s) for one in plain]
    assert same == [(one.number, one.member, one.watch_s) for one in turned]
    assert plain == drawn(50)
    assert plain != turned


@pytest.mark.parametrize("ratio", [0.0, 0.01, 0.1, 0.5])
def test_cohorts_are_of_equal_size_and_for_good(ratio: float) -> None:
    cohorts = [cohort_of(member, ratio) for member in range(MEMBERS)]
    assert cohorts.count(CONTROL) == cohorts.count(EXPERIMENT) == ratio * MEMBERS
    larger = [cohort_of(member, 0.5) for member in range(MEMBERS)]
    assert all(one in {"", later} for one, later in zip(cohorts, larger, strict=True))
