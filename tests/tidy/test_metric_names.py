"""Queries ask for what the platform publishes; a name that was given up gives no data, silently."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
GIVEN_UP = {
    "viewers.starts": "playback.starts, whose ipc.result is success or failure",
    "viewers.offered": "playback.offered",
    "viewers.heartbeats": "playback.heartbeats, whose ipc.result is success or failure",
}
PLACES = ("README.md", "docs/*.md", "experiments/**/*.yaml", "chaosctl/**/*.py", "targets/**/*.py")


def test_names_that_were_given_up_are_gone(report):
    report(
        f"{path.relative_to(ROOT)}:{number}: '{name}' is now {instead}"
        for place in PLACES
        for path in sorted(ROOT.glob(place))
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        for name, instead in GIVEN_UP.items()
        if name in line
    )
