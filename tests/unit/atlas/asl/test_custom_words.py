"""Words that a server's settings add."""

import pytest

from atlas.asl import parse_exprs
from atlas.asl.words.custom_words import custom_vocabulary
from atlas.errors import AslError, AtlasError
from atlas.expr.data_expr import queries
from atlas.model import CustomAverage, CustomWord

SQUARE = CustomWord("square", ":dup,:mul", examples=("2",))
PER_HOST = CustomAverage("host-avg", "name,hosts,:eq", ("zone",))


def printed(program, **settings):
    exprs = parse_exprs(program, vocabulary=custom_vocabulary(**settings))
    return [str(expr) for expr in exprs]


def test_a_word_runs_its_program():
    assert printed("3,:square", words=[SQUARE]) == ["9.0,:const"]
    assert printed("name,a,:eq,:sum,:square", words=[SQUARE]) == [
        "name,a,:eq,:sum,name,a,:eq,:sum,:mul"
    ]


def test_a_word_may_hold_lists_and_other_words():
    both = CustomWord("both", "(,:square,),:call", examples=())
    assert printed("3,:both", words=[both, SQUARE]) == ["9.0,:const"]


def test_a_word_that_calls_itself_is_stopped():
    with pytest.raises(AslError, match="looping detected"):
        printed("1,:again", words=[CustomWord("again", ":again")])


def test_a_word_without_a_summary_is_described_by_its_program():
    (word,) = custom_vocabulary(averages=(), words=[SQUARE]).overloads("square")
    assert word.summary == "The same as `:dup,:mul`."


def test_an_average_prints_under_its_name_and_is_restricted_by_its_keys():
    program = "name,a,:eq,zone,x,:eq,:and,:host-avg"
    (expr,) = parse_exprs(program, vocabulary=custom_vocabulary(averages=[PER_HOST]))
    assert str(expr) == program
    assert [str(query) for query in queries(expr)] == [
        "name,a,:eq,zone,x,:eq,:and",
        "name,hosts,:eq,zone,x,:eq,:and",
    ]


def test_settings_replace_the_averages_that_there_are_by_default():
    with pytest.raises(AslError, match="unknown word ':node-avg'"):
        printed("name,a,:eq,:node-avg", averages=[PER_HOST])


@pytest.mark.parametrize("base", ["name,hosts", "name,hosts,:eq,name,more,:eq", "5"])
def test_an_average_needs_a_query(base):
    with pytest.raises(AtlasError, match="the base query of ':host-avg' is no query"):
        custom_vocabulary(averages=[CustomAverage("host-avg", base, ())])
