"""What stands before a line's value."""

from __future__ import annotations

import pytest

from atlas.ingest.spectatord_line import KINDS, REASONS, LineRefused, read_head


@pytest.mark.parametrize(
    ("text", "letter", "option", "tags"),
    [
        (b"c:name", "c", 0, {"name": "name"}),
        (b"c:name,a=1,bb=2", "c", 0, {"name": "name", "a": "1", "bb": "2"}),
        (b"g,120:name", "g", 120, {"name": "name"}),
        (b"X,1543160297100:name,a=1", "X", 1543160297100, {"name": "name", "a": "1"}),
        (b"t,9:name", "t", 0, {"name": "name"}),
        (b"c:name,a=b=c", "c", 0, {"name": "name", "a": "b_c"}),
        (b"c:name,a=", "c", 0, {"name": "name", "a": ""}),
        (b"c:na\nme", "c", 0, {"name": "na_me"}),
        (b"c:name,name=other", "c", 0, {"name": "name"}),
    ],
)
def test_head_is_read(text, letter, option, tags):
    head = read_head(text)
    assert (head.kind.letter, head.option, head.tags) == (letter, option, tags)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "form"),
        (b"c", "form"),
        (b"c:", "form"),
        (b"c:,a=1", "form"),
        (b"1:name", "form"),
        (b"cc:name", "form"),
        (b" c:name", "form"),
        (b"c:name:1", "form"),
        (b"c:name,a=1:2", "form"),
        (b"q:name", "type"),
        (b"g,:name", "option"),
        (b"g,-5:name", "option"),
        (b"g,1,2:name", "option"),
        (b"g,9999999999999999:name", "option"),
        (b"X:name", "option"),
        (b"c:name,a", "tags"),
        (b"c:name,", "tags"),
        (b"c:name,a=1,,b=2", "tags"),
    ],
)
def test_malformed_head_is_refused_with_its_reason(text, reason):
    with pytest.raises(LineRefused) as refused:
        read_head(text)
    assert refused.value.reason == reason
    assert reason in REASONS


def test_every_type_that_the_python_client_knows_is_known():
    from spectator import Registry
    from spectator.config import Config

    registry = Registry(Config("memory"))
    meters = [
        registry.age_gauge("n.n"),
        registry.counter("n.n"),
        registry.distinct_count_sketch("n.n"),
        registry.distribution_summary("n.n"),
        registry.gauge("n.n"),
        registry.gauge("n.n", ttl_seconds=5),
        registry.max_gauge("n.n"),
        registry.monotonic_counter("n.n"),
        registry.monotonic_counter_uint("n.n"),
        registry.pct_distribution_summary("n.n"),
        registry.pct_timer("n.n"),
        registry.timer("n.n"),
    ]
    symbols = {meter._meter_type_symbol for meter in meters}
    assert {symbol[0] for symbol in symbols} == set(KINDS) - {"X"}
