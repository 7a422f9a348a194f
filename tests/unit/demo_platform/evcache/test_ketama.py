"""Where keys go, by the values that libketama and the Java clients give."""

from __future__ import annotations

from collections import Counter

import pytest

from demo_platform.evcache.ketama import Ring, points, position

FOUR = tuple(f"127.0.0.1:{10000 + n}" for n in range(4))
FIVE = tuple(f"127.0.0.1:{10000 + n}" for n in range(5))


@pytest.mark.parametrize(
    ("nodes", "key", "owner"),
    [
        (FIVE, "36", 2),
        (FIVE, "10037", 3),
        (FIVE, "22051", 1),
        (FIVE, "49044", 4),
        (FOUR, "dustin", 0),
        (FOUR, "noelani", 2),
        (FOUR, "some other key", 0),
        (FIVE, "dustin", 0),
        (FIVE, "noelani", 2),
        (FIVE, "some other key", 4),
        (FOUR, "V5XS8C8N", 3),
        (FOUR, "8KR2DKR2", 3),
        (FOUR, "L9KH6X4X", 3),
    ],
)
def test_keys_go_where_other_clients_send_them(
    nodes: tuple[str, ...], key: str, owner: int
) -> None:
    assert Ring(nodes).name_for(key.encode()) == nodes[owner]


def test_a_node_has_160_points_and_a_key_one() -> None:
    assert len(set(points("127.0.0.1:10000"))) == 160
    assert position(b"26") == 3979113294  # as ketama's own hash says
    assert all(0 <= point < 2**32 for point in points("127.0.0.1:10000"))


def test_the_order_in_which_nodes_are_named_does_not_matter() -> None:
    keys = [b"key-%d" % n for n in range(200)]
    one, other = Ring(FIVE), Ring(FIVE[::-1])
    assert [one.name_for(key) for key in keys] == [other.name_for(key) for key in keys]


def test_a_lost_node_takes_only_its_own_keys() -> None:
    keys = [b"key-%d" % n for n in range(2000)]
    before, after = Ring(FIVE), Ring(FIVE[:4])
    for key in keys:
        owner = before.name_for(key)
        assert owner == FIVE[4] or owner == after.name_for(key)
    shares = Counter(before.name_for(key) for key in keys)
    assert all(0.1 < shares[name] / len(keys) < 0.3 for name in FIVE)


def test_one_node_has_everything_and_none_has_nothing() -> None:
    assert Ring(FOUR[:1]).name_for(b"a") == FOUR[0]
    assert Ring(()).name_for(b"a") is None
