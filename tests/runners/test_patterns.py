"""What patterns accept and refuse, as `data/patterns` has it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from atlas.errors import AtlasError
from atlas.expr.pattern import compile_pattern

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
