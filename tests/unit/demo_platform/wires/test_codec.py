"""Bodies become messages and messages bodies; what does not fit is told from what does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_platform.wires.codec import JSON, codec_of
from demo_platform.wires.contract import CONTRACTS, BadBody

NUMBERS = st.integers(min_value=0, max_value=2**63 - 1)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"titles": st.lists(NUMBERS, max_size=4)},
        optional={"name": st.text(max_size=9), "cell": st.text(max_size=9)},
    ),
    max_size=4,
)


@given(ROWS)
def test_a_message_is_the_body_that_it_was_made_of(rows: list[dict[str, object]]) -> None:
    codec = CONTRACTS["recs"]
    assert codec.decode_reply("rows", codec.encode_reply("rows", {"rows": rows})) == {"rows": rows}


@given(st.dictionaries(st.sampled_from(["member", "title"]), NUMBERS))
def test_what_is_not_set_is_no_key(body: dict[str, object]) -> None:
    codec = CONTRACTS["license"]
    more = {**body, "unknown": [1], "token": None}
    assert codec.decode_request("issue", codec.encode_request("issue", more)) == body


@pytest.mark.parametrize("member", ["7", 2**63, 1.5, [7], {"n": 7}])
def test_a_value_of_another_kind_does_not_fit(member: object) -> None:
    with pytest.raises(BadBody, match=r"demo\.v1\.ProfileRequest"):
        codec_of("customer").encode_request("profile", {"member": member})


def test_bytes_that_are_no_message_do_not_fit() -> None:
    with pytest.raises(BadBody, match=r"demo\.v1\.ProfileReply"):
        codec_of("customer").decode_reply("profile", b"\xff")
    with pytest.raises(BadBody, match="not a JSON object"):
        JSON.decode_reply("titles", b"[1]")
