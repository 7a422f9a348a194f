"""The settings file: what it may hold, and what is said of each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from atlas.model import CustomAverage, CustomWord
from atlas.settings import Settings
from atlas.settings_file import SETTINGS, read_settings
from atlas.yaml_tree import SIZE_BYTES_MAX, BadFile


@pytest.fixture
def read(tmp_path):
    """Reads a text, or bytes, as a settings file."""

    def settings_of(content: str | bytes) -> Settings:
        file = tmp_path / "server.yaml"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_settings(file)

    return settings_of


@pytest.mark.parametrize("content", ["", "# nothing\n", "---\n", "{}", "\ufeff# marked\n"])
def test_file_that_says_nothing_changes_nothing(read, content):
    assert read(content) == Settings()


def test_every_setting_is_read_from_its_default(read):
    """What the table shows as defaults is what the file takes; names of words are no values."""
    not_values = ("listen.", "custom-", "store.max-age")
    not_values += tuple(f"spectatord.{name}" for name in ("port", "unix", "common-tags"))
    rows = {name: s.default for name, s in SETTINGS.items() if not name.startswith(not_values)}
    sections = dict.fromkeys(name.split(".")[0] for name in rows)
    lines = []
    for section in sections:
        lines.append(f"{section}:")
        mine = {name: value for name, value in rows.items() if name.startswith(f"{section}.")}
        lines += [f"  {name.partition('.')[2]}: {value}" for name, value in mine.items()]
    assert read("\n".join(lines)) == Settings()


def test_values_arrive_where_they_belong(read):
    settings = read(
        "listen: {host: '::1', port: 8080, unix: /run/atlas.sock}\n"
        "store: {step: 1s, keep: 90m, max-age: 5m, max-series: 7, max-lines: 8,"
        " max-datapoints: 9, batch-cache: 3KiB}\n"
        "publish: {max-body: 1GiB, key-length: [1, 9], name-length: [3, 5], value-length: [2, 4],"
        " max-user-tags: 6}\n"
        "graph: {zone: Europe/Berlin, start: e-30m, end: now-1m, width: 10, height: 20,"
        " max-points: 30}\n"
        "tags: {max-listed: 40}\n"
        "spectatord: {host: '::1', port: 1234, unix: /run/lines.sock, buffer: 1MiB,"
        " meter-ttl: 90s, max-meters: 11, max-age-gauges: 12, common-tags: {nf.app: api},"
        " percentiles-without: [nf.node, nf.task]}\n"
    )
    assert settings.listen.tcp_address == ("::1", 8080)
    assert settings.listen.unix_path == Path("/run/atlas.sock")
    config = settings.store.config()
    assert (config.step_ms, config.keep_ms, config.max_age_ms) == (1000, 5_400_000, 300_000)
    limits = config.limits
    assert (limits.series_count_max, limits.line_count_max, limits.datapoint_count_max) == (7, 8, 9)
    assert limits.batch_cache_bytes_max == 3072
    tags = limits.tags
    assert (tags.key_size_min, tags.key_size_max, tags.user_tag_count_max) == (1, 9, 6)
    assert (tags.name_size_min, tags.name_size_max) == (3, 5)
    assert (tags.value_size_min, tags.value_size_max) == (2, 4)
    requests = settings.requests
    assert (requests.body_bytes_max, requests.tags_listed_max) == (1 << 30, 40)
    graph = requests.graph
    assert (graph.zone, graph.start, graph.end) == ("Europe/Berlin", "e-30m", "now-1m")
    assert (graph.width, graph.height, graph.point_count_max) == (10, 20, 30)
    lines = settings.spectatord
    assert (lines.host, lines.port, lines.unix_path) == ("::1", 1234, Path("/run/lines.sock"))
    meters = lines.meters
    assert (lines.buffer_bytes, meters.ttl_ms, dict(meters.common_tags)) == (
        1 << 20,
        90_000,
        {"nf.app": "api"},
    )
    assert (meters.series_count_max, meters.age_gauge_count_max) == (11, 12)
    assert meters.percentiles_without == ("nf.node", "nf.task")


def test_words_of_ones_own_are_read(read):
    settings = read(
        "custom-averages:\n"
        "  per-node: {base: 'name,up,:eq', keys: [nf.app, nf.zone]}\n"
        "custom-words:\n"
        "  twice: {body: ':dup,:add', summary: Doubles., examples: ['name,sps,:eq,:sum']}\n"
        "  none: {body: ',,'}\n"
    ).requests
    assert settings.custom_averages == (
        CustomAverage("per-node", "name,up,:eq", ("nf.app", "nf.zone")),
    )
    assert settings.custom_words == (
        CustomWord("twice", ":dup,:add", "Doubles.", ("name,sps,:eq,:sum",)),
        CustomWord("none", ",,"),
    )


def test_averages_may_be_taken_away(read):
    assert read("custom-averages: {}").requests.custom_averages == ()


MISTAKES = {
    # What is not there, or there twice
    "stoer: {}": ("1:1", "unknown key 'stoer'", "did you mean 'store'?"),
    "store:\n  stpe: 1s": ("2:3", "unknown key 'stpe'", "did you mean 'step'?"),
    "store: {x: 1}": ("1:9", "unknown key 'x'", "there is: step, keep,"),
    "tags: {max-listed: 1}\ntags: {}": ("2:1", "'tags' stands here twice", "remove one"),
    "custom-averages: {a: {keys: [b]}}": ("1:22", "'base' is missing", "add 'base: …'"),
    "custom-averages: {a: {base: ':true'}}": ("1:22", "'keys' is missing", "add 'keys: …'"),
    "custom-averages: {a: {base: ':true', kesy: []}}": ("1:38", "unknown key 'kesy'", "'keys'?"),
    "custom-words: {a: {}}": ("1:19", "'body' is missing", "add 'body: …'"),
    # Of another sort
    "- a": ("1:1", "expected a mapping", "key: value"),
    "store: 1": ("1:8", "expected a mapping", "key: value"),
    "store: ": ("1:7", "expected a mapping", "key: value"),
    "? [a]\n: b": ("1:3", "expected a key, found a list", "write one value"),
    "store: {step: [1s]}": ("1:15", "expected a duration, found a list", "write one value"),
    "store: {step: {a: b}}": ("1:15", "expected a duration, found a mapping", "one value"),
    "store:\n  step:\n": ("2:8", "expected a duration, found nothing", "write it, or remove"),
    "tags: {max-listed: !!int 5}": ("1:20", "tag 'tag:yaml.org,2002:int'", "the value alone"),
    "store: !x {}": ("1:8", "tag '!x' has no meaning here", "write the value alone"),
    "custom-averages: {a: {base: ':true', keys: b}}": ("1:44", "expected a list of keys", "[a, b]"),
    "custom-averages: {a: {base: ':true', keys: [[b]]}}": ("1:45", "expected a key", "one value"),
    "custom-words: {a: {body: b, examples: c}}": ("1:39", "expected a list", "[a, b]"),
    # Durations
    "store: {step: 60}": ("1:15", "invalid period 60", "as in 90s"),
    "store: {step: 1 fortnight}": ("1:15", "invalid period 1 fortnight", "as in 90s"),
    "store: {keep: 0s}": ("1:15", "a duration is more than nothing, found 0s", "as in 60s"),
    "store: {keep: -PT1H}": ("1:15", "a duration is more than nothing", "as in 60s"),
    "store: {step: 1500ms}": ("1:15", "step must be whole seconds, found 1500 ms", "1s, or 60s"),
    # Numbers, sizes, ranges
    "tags: {max-listed: 0}": ("1:20", "a whole number from 1 to", "as in 1440"),
    "tags: {max-listed: -5}": ("1:20", "found '-5'", "as in 1440"),
    "tags: {max-listed: 1.5}": ("1:20", "found '1.5'", "as in 1440"),
    "tags: {max-listed: many}": ("1:20", "found 'many'", "as in 1440"),
    "tags: {max-listed: 99999999999999999999}": ("1:20", "found '999", "as in 1440"),
    "tags: {max-listed: ٣}": ("1:20", "found '٣'", "as in 1440"),
    "listen: {port: 65536}": ("1:16", "from 1 to 65535", "as in"),
    "publish: {max-body: 8MB}": ("1:21", "'8MB' is not a size", "KiB, MiB and GiB"),
    "publish: {max-body: 8}": ("1:21", "'8' is not a size", "as in 8MiB"),
    "publish: {max-body: 0B}": ("1:21", "'0B' is not a size", "as in 8MiB"),
    "publish: {key-length: 2}": ("1:23", "expected the least and the most", "[a, b]"),
    "publish: {key-length: [2]}": ("1:23", "the least and the most, found 1", "as in [2, 60]"),
    "publish: {key-length: [2, x]}": ("1:27", "found 'x'", "as in 1440"),
    "publish: {key-length: [60, 2]}": ("1:23", "60 is more than 2", "did you mean [2, 60]?"),
    # Tags
    "spectatord: {common-tags: [a]}": ("1:27", "expected a mapping", "key: value"),
    "spectatord: {common-tags: {nf.what: a}}": ("1:27", "reserved prefix 'nf.'", "as in {nf.app"),
    "spectatord: {common-tags: {a: b}}": ("1:27", "key too short: [a]", "as in {nf.app"),
    "spectatord: {common-tags: {name: b}}": ("1:27", "'name' is what a line says", "as in {nf.app"),
    "spectatord: {common-tags: {aa: [b]}}": ("1:32", "expected a value, found a list", "one value"),
    # Zones, instants, programs
    "graph: {zone: Mars/Olympus}": ("1:15", "Unknown time-zone ID: Mars/Olympus", "use a name"),
    "graph: {start: yesterday noon}": ("1:16", "invalid date yesterday noon", "write '2026-"),
    "graph: {end: 's+1h'}": ("1:14", "start and end are both relative", "change graph.start or"),
    "graph: {start: now, end: now-1h}": (
        "1:16",
        "end time is before start time",
        "change graph.start or",
    ),
    "custom-averages: {a: {base: 'name,:frob', keys: [b]}}": (
        "1:29",
        "unknown word ':frob'",
        "spelling",
    ),
    "custom-averages: {a: {base: '1,2', keys: [b]}}": ("1:29", "expected a single query", "join"),
    "custom-averages: {'a b': {base: ':true', keys: [b]}}": ("1:19", "'a b' cannot name", "blanks"),
    "custom-words: {'a,b': {body: c}}": ("1:16", "'a,b' cannot name a word", "leave out blanks"),
    # What is only wrong together
    "store:\n  keep: 1m\n  max-age: 2h": ("3:12", "kept for 60000 ms only", "keep data at least"),
    "store: {keep: 30s}": ("1:15", "kept for 30000 ms only", "keep data at least"),
    "store: {step: 2d}": ("1:15", "data may be 172800000 ms late", "keep data at least"),
    # No YAML at all
    "a: [": ("1:5", "not YAML: ", "check indentation"),
    "a: b: c": ("1:5", "not YAML: mapping values are not allowed here", "check indentation"),
    "\ta: b": ("1:1", "not YAML: ", "check indentation"),
    "store: *x": ("1:8", "not YAML: found undefined alias", "check indentation"),
    "a: 1\n---\nb: 2": ("2:1", "not YAML: but found another document", "check indentation"),
}


@pytest.mark.parametrize("content", MISTAKES)
def test_mistake_is_said_with_its_place(read, tmp_path, content):
    place, what, fix = MISTAKES[content]
    with pytest.raises(BadFile) as caught:
        read(content)
    assert caught.value.where == f"{tmp_path}/server.yaml:{place}"
    assert what in caught.value.what
    assert fix in caught.value.fix
    assert caught.value.fix


@pytest.mark.parametrize(
    ("content", "place", "what"),
    [
        (b"a: 1\nb: \xff", ":2", "byte 0xff is not UTF-8"),
        (b"a: 1\nb: \x07", ":2", "special characters are not allowed"),
        (b"[" * 50_000, "", "nested too deeply"),
        (b"#" * (SIZE_BYTES_MAX + 1), "", f"larger than {SIZE_BYTES_MAX} bytes"),
    ],
)
def test_file_that_is_no_text_is_refused(read, tmp_path, content, place, what):
    with pytest.raises(BadFile, match=what) as caught:
        read(content)
    assert caught.value.where == f"{tmp_path}/server.yaml{place}"


def test_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadFile, match="cannot read the file: no such file") as caught:
        read_settings(tmp_path / "none.yaml")
    assert caught.value.where == str(tmp_path / "none.yaml")


def test_folder_is_no_file(tmp_path):
    with pytest.raises(BadFile, match="cannot read the file: is a directory"):
        read_settings(tmp_path)
