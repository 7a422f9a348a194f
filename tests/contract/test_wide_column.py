"""What a wide-column store must do, ours and a real Cassandra."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Iterator
from typing import Any
from zlib import crc32

import pytest

from demo_platform.widecolumn.consistency import Consistency
from demo_platform.widecolumn.refusals import Kind, StoreRefused
from tests.store_servers import Bed, cassandra, own_store

ORIGINAL = pytest.param(
    cassandra,
    id="cassandra",
    marks=[pytest.mark.integration, pytest.mark.engines, pytest.mark.timeout(400)],
)


@pytest.fixture(scope="module", params=[pytest.param(own_store, id="own"), ORIGINAL])
def bed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    with request.param(tmp_path_factory.mktemp("store")) as found:
        yield found


@pytest.fixture
def member(request: pytest.FixtureRequest) -> int:
    """One that no other test uses."""
    return crc32(request.node.name.encode())


def refusal(bed: Bed, request: Any) -> StoreRefused:
    async def ask(one: Awaitable[object]) -> StoreRefused:
        with pytest.raises(StoreRefused) as caught:
            await one
        return caught.value

    found: StoreRefused = bed.run(ask(request))
    return found


def read(bed: Bed, member: int) -> Any:
    return bed.run(bed.store.read("members", {"member": member}))


def write(bed: Bed, member: int, *, plan: str, at_us: int | None = None, **more: Any) -> None:
    bed.run(bed.store.write("members", {"member": member, "plan": plan}, at_us=at_us, **more))


@pytest.mark.parametrize("level", Consistency)
def test_what_was_written_is_read_at_every_level(bed: Bed, member: int, level: Consistency) -> None:
    key = {"member": member}
    row = {**key, "plan": "premium", "country": "DE"}
    assert bed.run(bed.store.read("members", key, level=level)) is None
    bed.run(bed.store.write("members", row, level=level))
    assert bed.run(bed.store.read("members", key, level=Consistency.ALL)) == row
    assert bed.run(bed.store.read("members", key, level=level)) == row


def test_a_write_leaves_the_columns_that_it_does_not_name(bed: Bed, member: int) -> None:
    bed.run(bed.store.write("members", {"member": member, "plan": "basic", "country": "FR"}))
    write(bed, member, plan="premium")
    assert read(bed, member) == {"member": member, "plan": "premium", "country": "FR"}


def test_a_row_may_be_its_key_alone(bed: Bed, member: int) -> None:
    bed.run(bed.store.write("members", {"member": member}))
    assert read(bed, member) == {"member": member}


def test_the_later_write_wins_whichever_comes_first(bed: Bed, member: int) -> None:
    write(bed, member, plan="new", at_us=2_000_000)
    write(bed, member, plan="old", at_us=1_000_000)
    assert read(bed, member)["plan"] == "new"


def test_several_rows_are_written_each_as_of_its_own_time(bed: Bed, member: int) -> None:
    write(bed, member, plan="basic", at_us=3_000)
    rows = [({"member": member + n, "plan": "premium"}, at_us) for n, at_us in ((0, 2_000), (1, 9))]
    bed.run(bed.store.write_all("members", rows))
    assert [read(bed, member + n)["plan"] for n in (0, 1)] == ["basic", "premium"]
    bed.run(bed.store.write_all("members", [(row, 4_000) for row, _ in rows]))
    assert [read(bed, member + n)["plan"] for n in (0, 1)] == ["premium", "premium"]


def test_of_writes_at_the_same_time_the_larger_wins(bed: Bed, member: int) -> None:
    for plan in ("b", "c", "a"):
        write(bed, member, plan=plan, at_us=1_000_000)
    assert read(bed, member)["plan"] == "c"


@pytest.mark.parametrize("order", [1, -1])
def test_of_writes_at_the_same_time_one_that_expires_wins(
    bed: Bed, member: int, order: int
) -> None:
    for plan, ttl_s in [("stays", None), ("expires", 1000)][::order]:
        write(bed, member, plan=plan, at_us=1_000_000, ttl_s=ttl_s)
    assert read(bed, member)["plan"] == "expires"


def test_a_deletion_hides_what_is_not_later(bed: Bed, member: int) -> None:
    key = {"member": member}
    write(bed, member, plan="old", at_us=1_000_000)
    bed.run(bed.store.delete("members", key, at_us=2_000_000))
    assert read(bed, member) is None
    write(bed, member, plan="too late", at_us=1_500_000)
    write(bed, member, plan="at once", at_us=2_000_000)
    assert read(bed, member) is None
    write(bed, member, plan="new", at_us=2_000_001)
    assert read(bed, member)["plan"] == "new"


def test_deleting_what_is_not_there_is_no_error(bed: Bed, member: int) -> None:
    bed.run(bed.store.delete("members", {"member": member}))
    assert read(bed, member) is None


def test_what_has_a_time_to_live_ends_with_it(bed: Bed, member: int) -> None:
    write(bed, member, plan="short", ttl_s=2)
    assert read(bed, member)["plan"] == "short"
    bed.pass_time(3.1)
    assert read(bed, member) is None


def test_a_range_is_newest_first_and_bounded(bed: Bed, member: int) -> None:
    partition = {"member": member, "month": "2026-11"}
    for at_ms in (3, 1, 4, -2, 10**12):
        row = {**partition, "at_ms": at_ms, "title": 5, "position_s": at_ms}
        bed.run(bed.store.write("viewing_history", row))
    other = {"member": member, "month": "2026-12", "at_ms": 9, "title": 1, "position_s": 1}
    bed.run(bed.store.write("viewing_history", other))

    def times(**bounds: int) -> list[int]:
        rows = bed.run(bed.store.read_range("viewing_history", partition, **bounds))
        return [row["at_ms"] for row in rows]

    assert times() == [10**12, 4, 3, 1, -2]
    assert times(limit=2) == [10**12, 4]
    assert times(first=1, last=4) == [4, 3, 1]
    assert times(last=0) == [-2]
    assert times(first=5, limit=1) == [10**12]
    bed.run(bed.store.delete("viewing_history", {**partition, "at_ms": 4}))
    assert times(limit=2) == [10**12, 3]


def test_clustering_columns_of_text_and_numbers_rise(bed: Bed, member: int) -> None:
    for test in ("b", "", "ab", "é"):
        row = {"member": member, "test": test, "cell": "control"}
        bed.run(bed.store.write("allocations", row))
    rows = bed.run(bed.store.read_range("allocations", {"member": member}))
    assert [row["test"] for row in rows] == ["", "ab", "b", "é"]
    rows = bed.run(bed.store.read_range("allocations", {"member": member}, first="ab", last="b"))
    assert [row["test"] for row in rows] == ["ab", "b"]


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("nothing", {"member": 1}),
        ("members", {"plan": "basic"}),
        ("members", {"member": "one"}),
        ("members", {"member": 1, "size": 2}),
        ("members", {"member": 1, "plan": 2}),
        ("members", {"member": 2**63}),
    ],
)
def test_what_no_table_has_is_invalid(bed: Bed, table: str, row: dict[str, Any]) -> None:
    assert refusal(bed, bed.store.write(table, row)).kind is Kind.INVALID


def test_too_few_replicas_known_to_be_up_is_unavailable_at_once(bed: Bed, member: int) -> None:
    row = {"member": member, "plan": "basic"}
    bed.run(bed.lonely.write("members", row, level=Consistency.ONE))
    assert bed.run(bed.lonely.read("members", {"member": member}, level=Consistency.ONE)) == row
    for request in (
        bed.lonely.write("members", row, level=Consistency.LOCAL_QUORUM),
        bed.lonely.read("members", {"member": member}, level=Consistency.LOCAL_QUORUM),
    ):
        began = time.monotonic()
        refused = refusal(bed, request)
        assert refused.kind is Kind.UNAVAILABLE
        assert refused.received == refused.required - 1
        assert time.monotonic() - began < 1


def test_a_dead_replica_is_waited_for_until_it_is_known_to_be_dead(bed: Bed, member: int) -> None:
    key, level = {"member": member}, Consistency.QUORUM
    row = {**key, "plan": "basic"}
    bed.run(bed.duo.write("members", row, level=level))
    bed.kill_one()
    refused = refusal(bed, bed.duo.read("members", key, level=level))
    assert (refused.kind, refused.received, refused.required) == (Kind.READ_TIMEOUT, 1, 2)
    refused = refusal(bed, bed.duo.write("members", row, level=level))
    assert (refused.kind, refused.received, refused.required) == (Kind.WRITE_TIMEOUT, 1, 2)
    ends = time.monotonic() + bed.given_up_within_s
    while refused.kind is not Kind.UNAVAILABLE:
        assert bed.run(bed.duo.read("members", key, level=Consistency.ONE)) == row
        assert time.monotonic() < ends
        refused = refusal(bed, bed.duo.read("members", key, level=level))
    assert (refused.received, refused.required) == (1, 2)
