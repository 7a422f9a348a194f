"""Write the pages that are made from the program itself, as `PAGES` lists them.

python docs/generate.py            write them
python docs/generate.py --check    name those that are not current, and exit 1
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import yaml
from asl_page import asl_page
from lessons_page import lessons_page

from atlas.settings_file import SETTINGS
from chaosctl.cli import COMMANDS, GROUPS
from monkeys.faults import FAULTS
from monkeys.parameters import parameters_of
from monkeys.quantities import QUANTITIES

DOCS = Path(__file__).resolve().parent
COLUMNS = "88"
VERDICTS = DOCS.parent / "tests" / "data" / "verdicts"
MADE_BY = "<!-- Made by docs/generate.py; change the source and run `make docs`. -->"


def help_of(command: str) -> str:
    """What `COMMAND --help` prints, at a fixed width."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CHAOSCTL_")}
    done = subprocess.run(
        [sys.executable, "-m", *command.split(), "--help"],
        env={**clean, "COLUMNS": COLUMNS, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def cli_page() -> Iterator[str]:
    """Every command's help."""
    yield "# Commands\n\n" + MADE_BY
    yield (
        "Results go to standard output, everything else to standard error. Every option can be set"
        " by a variable: `--seed` of `chaosctl run` is `CHAOSCTL_RUN_SEED`."
    )
    names = ["chaosctl", *(f"chaosctl {name}" for name in COMMANDS)]
    for group, app in GROUPS.items():
        names.append(f"chaosctl {group}")
        names += [f"chaosctl {group} {c.name}" for c in app.registered_commands]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, text in zip(names, pool.map(help_of, names), strict=True):
            yield f"## {name}\n\n```text\n{text}\n```"


def experiments_page() -> Iterator[str]:
    """Every bundled experiment with the verdict that its test expects."""
    yield "# Bundled experiments\n\n" + MADE_BY
    yield (
        "`chaosctl run NAME` runs one on the demo platform. Each is run by a test too. What a check"
        " can ask and say: [checks](checks.md)."
    )
    rows = ["| experiment | what it claims | verdict |", "| --- | --- | --- |"]
    bundled = [f for f in files("experiments").iterdir() if f.name.endswith(".yaml")]
    for file in sorted(bundled, key=lambda f: f.name.removesuffix(".yaml")):
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        expected = yaml.safe_load((VERDICTS / file.name).read_text(encoding="utf-8"))
        name = file.name.removesuffix(".yaml")
        rows.append(f"| {name} | {document['title']} | {expected['verdict']} |")
    yield "\n".join(rows)


def faults_page() -> Iterator[str]:
    """Every fault with its parameters."""
    yield "# Faults\n\n" + MADE_BY
    yield "A method step names a fault and says its parameters under `with:`."
    for name, fault in FAULTS.items():
        summary = fault.summary[:1].upper() + fault.summary[1:]
        yield f"## {name}\n\n{summary}."
        prose = re.split(r"\n\s*\n", (fault.__doc__ or "").strip())
        yield "\n\n".join(" ".join(paragraph.split()) for paragraph in prose)
        rows = ["| parameter | what it is | default |", "| --- | --- | --- |"]
        for p in parameters_of(fault):
            choices = f": {' or '.join(f'`{c}`' for c in p.choices)}" if p.choices else ""
            default = "required" if p.is_required else shown_in(p.default, p.unit)
            rows.append(f"| `{p.name}` | {p.summary}{choices} | {default} |")
        yield "\n".join(rows) if len(rows) > 2 else "It has no parameters."


def atlas_server_page() -> Iterator[str]:
    """Every setting of the store's server with its default."""
    yield "# Settings of the store's server\n\n" + MADE_BY
    yield (
        "`chaosctl atlas serve --config FILE` and `python -m atlas serve --config FILE` read a YAML"
        " file; an option of the command line wins over it. Everything may be left out. What is"
        " unknown, or of another sort, is refused with its line and column."
    )
    yield (
        "```yaml\nstore:\n  step: 10s\n  keep: 24h\npublish:\n  key-length: [1, 40]\n"
        "graph:\n  zone: Europe/Berlin\ncustom-averages:\n  node-avg:\n"
        "    base: name,up,:eq\n    keys: [nf.app, nf.zone]\ncustom-words:\n  per-minute:\n"
        "    body: 60,:mul\n    summary: A rate by the minute.\n"
        "    examples: ['name,sps,:eq,:sum']\n```"
    )
    yield (
        "Durations are written as in `90s`, `5m` or `48h`, sizes as in `8MiB`, and a shortest and a"
        " longest length as in `[2, 60]`."
    )
    rows = ["| setting | default | what it is |", "| --- | --- | --- |"]
    rows += [f"| `{name}` | {s.default} | {s.summary} |" for name, s in SETTINGS.items()]
    yield "\n".join(rows)
    yield (
        "What cannot be set: tags are made of the characters `-._A-Za-z0-9^~`, and after `atlas.`"
        " and `nf.` only the keys that Atlas knows are taken."
    )


def shown_in(value: object, unit: str) -> str:
    """A parameter's default with its unit, as a document would say it."""
    if unit in QUANTITIES and isinstance(value, float):
        return QUANTITIES[unit].spoken(value)
    return f"{shown(value)} {unit}".strip()


def shown(value: object) -> str:
    """A default as a reader expects it."""
    if value in ((), {}, ""):
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "asl.md": lambda: asl_page(MADE_BY),
    "atlas-server.md": atlas_server_page,
    "cli.md": cli_page,
    "experiments.md": experiments_page,
    "faults.md": faults_page,
    "lessons.md": lambda: lessons_page(VERDICTS / "lessons", MADE_BY),
}


def main(arguments: list[str]) -> int:
    """Write the pages, or check that they are current."""
    stale = 0
    for name, page in PAGES.items():
        text, path = "\n\n".join(page()) + "\n", DOCS / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in arguments:
            print(f"docs/{name}:1: is not current; run `make docs`")
            stale = 1
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote docs/{name}")
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
