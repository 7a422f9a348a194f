"""What patterns accept and refuse, as `data/patterns` has it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from atlas.asl import parse_exprs
from atlas.errors import AtlasError, LimitExceeded
from atlas.expr.legend import Legend
from atlas.expr.pattern import compile_pattern
from atlas.expr.pattern_replace import replace_all
from atlas.expr.text import encode

DATA = Path(__file__).parent.parent / "data" / "patterns"


def cases(name: str) -> list[dict[str, object]]:
    return yaml.safe_load((DATA / f"{name}.yaml").read_text())


@pytest.mark.parametrize("case", cases("accepted"), ids=lambda c: c["name"].replace(" ", "-"))
def test_pattern_accepts(case):
    pattern = compile_pattern(case["pattern"], case.get("ic", False))
    values = [*case.get("accepts", ()), *case.get("refuses", ())]
    expected = [value in case.get("accepts", ()) for value in values]
    assert pattern.accepts_many(values).tolist() == expected
    assert [pattern.accepts(value) for value in values] == expected


@pytest.mark.parametrize("case", cases("refused"), ids=lambda c: c["pattern"])
def test_pattern_is_refused(case):
    with pytest.raises(AtlasError) as caught:
        compile_pattern(case["pattern"], False)
    assert caught.value.what == case["says"]
    assert caught.value.status == 400
    assert caught.value.fix


@pytest.mark.parametrize("case", cases("replaced"), ids=lambda c: f"{c['search']}-{c['by']}")
def test_matches_are_replaced(case):
    legend = f"{encode(case['text'])},:legend,{encode(case['search'])},{encode(case['by'])},:s"
    (styled,) = parse_exprs(f"1,{legend}")
    assert Legend(styled).text("", {"app": "api", "status": "200"}) == case["gives"]


@pytest.mark.parametrize("case", cases("unsearchable"), ids=lambda c: c["search"])
def test_search_is_refused(case):
    with pytest.raises(AtlasError) as caught:
        replace_all(case["search"], lambda _: "", "a" * 42 + "b")
    assert caught.value.message == case["says"]
    assert caught.value.status == 400
    assert caught.value.fix


def test_text_grows_to_a_bound():
    text = "a" * 1_000
    assert len(replace_all("a", lambda _: "b" * 50, text)) == 50_000
    with pytest.raises(LimitExceeded, match="more than 50000 characters"):
        replace_all("a", lambda _: "b" * 51, text)
