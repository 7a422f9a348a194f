"""Faults that a request carries: how they are written, and what they do to its calls alone."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from demo_platform.errors import DemoError
from demo_platform.zuul.fit import Faults, Injection, carried, parse, strike

Jump = Callable[[Coroutine[Any, Any, Any]], Any]

KNOWN = ("abtest", "catalog", "recs")


@pytest.mark.parametrize(
    ("text", "by_service"),
    [
        ("recs=fail", {"recs": Injection(fails=True)}),
        ("recs=delay:2s", {"recs": Injection(2.0)}),
        (" recs = delay:250ms+fail ", {"recs": Injection(0.25, fails=True)}),
        ("recs=fail,abtest=delay:0ms", {"recs": Injection(fails=True), "abtest": Injection()}),
    ],
)
def test_reads_what_a_header_says(text: str, by_service: dict[str, Injection]) -> None:
    faults = parse(text, where="x-fit", known=KNOWN)
    assert faults.by_service == by_service
    assert carried(faults.text) == faults


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("", "'' names no fault", "write x-fit: recs=fail"),
        ("recs", "'recs' names no fault", "write x-fit: recs=fail"),
        ("recs=explode", "'explode' is no fault", "give fail, delay:250ms"),
        ("recs=delay:1h", "'delay:1h' is no fault", "give fail, delay:250ms"),
        ("recs=delay:\u0661s", "is no fault", "give fail, delay:250ms"),
        ("recs=delay:11s", "a delay of 11000 ms", "10000 ms at most"),
        ("rec=fail", "unknown service 'rec'", "did you mean 'recs'?"),
        ("recs=fail,recs=fail", "'recs' is named twice", "name it once"),
        ("recs=fail," * 40, "400 characters of faults", "at most 256"),
    ],
)
def test_refuses_what_is_no_header(text: str, what: str, fix: str) -> None:
    with pytest.raises(DemoError) as caught:
        parse(text, where="x-fit", known=KNOWN)
    assert what in caught.value.what
    assert fix in caught.value.fix
    assert caught.value.where == "x-fit"


def test_an_inner_hop_takes_nonsense_for_nothing() -> None:
    assert carried(None) is None
    assert carried("recs=explode") is None


@pytest.mark.parametrize(
    ("text", "left_s", "ending", "took_s"),
    [
        ("recs=fail", 1.0, "failed", 0.0),
        ("recs=delay:200ms", 1.0, None, 0.2),
        ("recs=delay:200ms+fail", 1.0, "failed", 0.2),
        ("recs=delay:2s", 0.3, "timed out", 0.3),
        ("catalog=fail", 1.0, None, 0.0),
    ],
)
def test_strikes_the_calls_of_the_service_it_names(
    jump: Jump, text: str, left_s: float, ending: str | None, took_s: float
) -> None:
    async def scene() -> None:
        began = asyncio.get_running_loop().time()
        reply = await strike(parse(text, where="x-fit"), "recs", left_s)
        assert (reply and reply.ending.value) == ending
        assert asyncio.get_running_loop().time() - began == pytest.approx(took_s)

    jump(scene())


def test_a_failure_is_blamed_on_the_service_it_stands_for(jump: Jump) -> None:
    reply = jump(strike(Faults("", {"recs": Injection(fails=True)}), "recs", 1.0))
    assert reply.cause == "recs"
