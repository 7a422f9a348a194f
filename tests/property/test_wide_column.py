"""Laws of the wide-column store: quorums meet, versions merge to the same, keys sort as values."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_platform.widecolumn.cells import Cell, Row, deletion, digest, insertion, merge
from demo_platform.widecolumn.consistency import Consistency, need_of
from demo_platform.widecolumn.detector import Arrivals
from demo_platform.widecolumn.disk import Disk
from demo_platform.widecolumn.hints import HINT_LIVES_S, Hints
from demo_platform.widecolumn.membership import NORMAL, Membership, State
from demo_platform.widecolumn.ring import Place, Ring
from demo_platform.widecolumn.schema import GC_GRACE_S, TABLES
from demo_platform.widecolumn.wire import Frames, frame

NOW_S = 1000.0
TIMES_US = st.integers(1, 4)
VALUES = st.integers(-2, 2) | st.sampled_from(["", "a", "b"])
CELLS = st.builds(Cell, TIMES_US, VALUES, st.sampled_from([0.0, 500.0, 2000.0]))
ROWS = st.builds(
    Row,
    st.dictionaries(st.sampled_from(["", "one", "two"]), CELLS),
    st.integers(0, 4),
    st.sampled_from([0.0, 900.0]),
) | st.builds(deletion, TIMES_US, st.just(900.0))
REPLICAS = st.dictionaries(st.sampled_from(["r1", "r2", "r3"]), st.integers(1, 5), min_size=1)


@given(st.lists(ROWS, max_size=5), st.randoms())
def test_versions_merge_to_the_same_in_any_order_and_however_often(
    rows: list[Row], rng: random.Random
) -> None:
    whole = merge(rows)
    again = rows + rng.choices(rows, k=3) if rows else rows
    rng.shuffle(again)
    cut = rng.randint(0, len(again))
    assert merge([merge(again[:cut]), merge(again[cut:])]) == whole
    assert digest([(b"", merge(again))]) == digest([(b"", whole)])


@given(st.lists(ROWS, max_size=5))
def test_nothing_that_was_deleted_later_is_read(rows: list[Row]) -> None:
    merged = merge(rows)
    latest_us = max((row.deleted_us for row in rows), default=0)
    assert all(cell.at_us > latest_us for cell in merged.cells.values())


@given(ROWS, st.floats(0, 5000), st.floats(0, 1000))
def test_what_is_purged_could_not_be_read(row: Row, now_s: float, grace_s: float) -> None:
    merged = merge([row])
    left = merged.purged(now_s, grace_s)
    assert (left.live(now_s) if left is not None else None) == merged.live(now_s)


@given(REPLICAS, st.sampled_from(Consistency), st.sampled_from(Consistency), st.data())
def test_a_read_sees_the_write_when_both_need_more_than_there_are(
    replicas: dict[str, int], writes: Consistency, reads: Consistency, data: st.DataObject
) -> None:
    here = data.draw(st.sampled_from(sorted(replicas)))
    write, read = need_of(writes, replicas, here), need_of(reads, replicas, here)
    places = [(region, n) for region, count in replicas.items() for n in range(count)]
    written, asked = (set(data.draw(st.permutations(places))) for _ in range(2))
    for need, chosen in ((write, written), (read, asked)):
        for one in sorted(chosen):  # as few as will do
            counts = _counts(chosen - {one})
            if need.is_met(counts):
                chosen.remove(one)
        assert need.is_met(_counts(chosen))
    total = sum(replicas.values())
    is_local = (
        write.region == read.region == here and write.required + read.required > replicas[here]
    )
    if is_local or (write.region is None and write.required + read.required > total):
        assert written & asked


def _counts(places: set[tuple[str, int]]) -> dict[str, int]:
    return {region: sum(one == region for one, _ in places) for region, _ in places}


@pytest.mark.parametrize(
    ("level", "parts"),
    [
        (Consistency.ONE, (("", 1),)),
        (Consistency.LOCAL_ONE, (("r1", 1),)),
        (Consistency.LOCAL_QUORUM, (("r1", 2),)),
        (Consistency.QUORUM, (("", 4),)),
        (Consistency.EACH_QUORUM, (("r1", 2), ("r2", 2))),
        (Consistency.ALL, (("", 6),)),
    ],
)
def test_what_levels_need_of_three_replicas_in_two_regions(
    level: Consistency, parts: tuple[tuple[str, int], ...]
) -> None:
    need = need_of(level, {"r1": 3, "r2": 3}, "r1")
    assert need.parts == parts
    assert need.counted({"r1": 3, "r2": 3}) == need.required


@given(st.integers(1, 3), st.integers(1, 3), st.binary(max_size=20))
def test_each_region_has_three_replicas_each_in_another_zone(
    regions: int, per_zone: int, partition: bytes
) -> None:
    places = [
        Place(f"r{r}{zone}/{n}", f"r{r}", f"r{r}{zone}")
        for r in range(regions)
        for zone in "abc"
        for n in range(per_zone)
    ]
    found = Ring(places).replicas(partition)
    assert len(set(found)) == 3 * regions
    assert len({one.zone for one in found}) == 3 * regions


@given(st.binary(max_size=20), st.integers(0, 8))
def test_a_place_that_goes_moves_only_its_own_partitions(partition: bytes, gone: int) -> None:
    places = [Place(f"{zone}/{n}", "r", zone) for zone in "abc" for n in range(3)]
    before = Ring(places).replicas(partition)
    after = Ring(places[:gone] + places[gone + 1 :]).replicas(partition)
    if places[gone] not in before:
        assert after == before
    else:
        assert set(before) - {places[gone]} < set(after)


@given(
    st.lists(st.tuples(st.integers(0, 3), ROWS), max_size=12),
    st.randoms(),
)
def test_replicas_that_have_seen_the_same_are_the_same(
    writes: list[tuple[int, Row]], rng: random.Random
) -> None:
    first, second = Disk(":memory:"), Disk(":memory:")
    for disk in (first, second):
        for key, row in writes:
            disk.write(("titles", bytes([key]), b""), row)
        rng.shuffle(writes)
    assert [one for one in first.rows() if one[1] != Row()] == [
        one for one in second.rows() if one[1] != Row()
    ]


KEYS = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 300)


@given(KEYS, KEYS)
def test_clustering_keys_sort_as_their_values_do(one: int, other: int) -> None:
    newest_first = TABLES["viewing_history"]
    falling = [newest_first.clustering_key({"at_ms": n}) for n in (one, other)]
    oldest_first = replace(newest_first, newest_first=False)
    rising = [oldest_first.clustering_key({"at_ms": n}) for n in (one, other)]
    assert (one < other) == (rising[0] < rising[1])
    assert (one < other) == (falling[0] > falling[1])


@given(st.sampled_from(sorted(TABLES)), st.data())
def test_keys_come_back_as_they_were(name: str, data: st.DataObject) -> None:
    table = TABLES[name]
    text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
    key = {one: data.draw(KEYS if table.columns[one] is int else text) for one in table.key}
    assert table.decoded(table.partition_key(key), table.clustering_key(key)) == key


@given(st.lists(st.floats(0.05, 2.0), min_size=5, max_size=40))
def test_who_is_regular_is_not_suspected_and_who_is_silent_is(intervals: list[float]) -> None:
    now = 0.0
    arrivals = Arrivals(now)
    for interval_s in intervals:
        now += interval_s
        assert not arrivals.is_suspected(now)
        arrivals.heard(now)
    assert not arrivals.is_suspected(now + 2.0)
    assert arrivals.is_suspected(now + 12.0)
    phis = [arrivals.phi(now + n) for n in range(12)]
    assert all(one <= later for one, later in pairwise(phis))
    arrivals.forgive(now + 12.0)
    assert not arrivals.is_suspected(now + 13.0)


def test_a_silence_of_seven_periods_is_suspected_at_the_phi_that_is_said() -> None:
    arrivals = Arrivals(0.0)
    for now in range(1, 30):
        arrivals.heard(float(now))
    silence_s = next(n / 100 for n in range(1000) if arrivals.is_suspected(29 + n / 100))
    assert silence_s == pytest.approx(2.97, abs=0.02)
    assert arrivals.phi(29 + silence_s) == pytest.approx(8, abs=0.1)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.binary(max_size=30)), max_size=40))
def test_hints_are_bounded_in_order_and_forgotten_in_time(writes: list[tuple[str, bytes]]) -> None:
    hints = Hints(hints_max=20, bytes_max=300)
    kept = [one for one in writes if hints.add(*one, 0.0)]
    assert len(hints) == len(kept) <= 20
    assert sum(len(write) for _, write in kept) <= 300
    assert hints.dropped == len(writes) - len(kept)
    for name in hints.names():
        assert [one.write for one in hints.first(name, 1.0, 99)] == [
            w for n, w in kept if n == name
        ]
    for name in hints.names():
        assert hints.first(name, HINT_LIVES_S, 99) == []
    assert len(hints) == 0


def test_no_hint_outlives_a_tombstone() -> None:
    assert all(table.gc_grace_s > HINT_LIVES_S for table in TABLES.values())
    assert HINT_LIVES_S < GC_GRACE_S


STATES = st.builds(
    lambda name, generation, version, status: State(
        name, "r", name, f"{name}{generation}", 1, generation, version, status
    ),
    st.sampled_from("abc"),
    st.integers(1, 3),
    st.integers(1, 3),
    st.just(NORMAL),
)


@given(st.lists(STATES, max_size=12), st.randoms())
def test_everybody_ends_up_knowing_the_same(states: list[State], rng: random.Random) -> None:
    own = State("z", "r", "z", "z", 1, 1, 1, NORMAL)
    known = []
    for _ in range(2):
        membership = Membership(own)
        for state in states:
            membership.learn([state], 0.0)
        known.append({one.name: one.age for one in membership.states()})
        rng.shuffle(states)
    assert known[0] == known[1]


def test_a_place_taken_over_from_one_with_a_fast_clock_is_later_than_that() -> None:
    own = State("a", "r", "a", "new", 1, 5, 1, NORMAL)
    membership = Membership(own)
    membership.learn([State("a", "r", "a", "old", 1, 900, 7, NORMAL)], 0.0)
    assert (membership.own.address, membership.own.generation) == ("new", 901)


@given(
    st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(min_size=1, max_size=50))), st.data()
)
def test_frames_come_out_as_they_went_in(
    said: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(frame(number, message) for number, message in said)
    frames, heard = Frames(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        heard += frames.feed(stream[:size])
        stream = stream[size:]
    assert heard == said


def test_time_to_live_ends_by_itself_and_is_purged_after_the_grace() -> None:
    row = insertion({"cell": "control"}, 5, expires_s=NOW_S)
    assert row.live(NOW_S - 0.1) == {"cell": "control"}
    assert row.live(NOW_S) is None
    assert row.purged(NOW_S + GC_GRACE_S - 1, GC_GRACE_S) is row
    assert row.purged(NOW_S + GC_GRACE_S, GC_GRACE_S) is None
