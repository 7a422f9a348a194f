"""`chaosctl run` from the command line on, over a simulated target, store and clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chaosctl.engine.run import Setup, World
from tests.simulated_target import SimulatedWorld

STARTS, ERRORS = "name,starts,:eq,:sum", "name,errors,:eq,:sum"
DOCUMENT = f"""
title: Losing one zone
target: {{driver: demo}}
baseline: {{for: 10s}}
hypothesis:
  - {{name: starts succeed, query: "{STARTS}", hold: {{at-least: 97%, over: 10s}}}}
  - {{name: errors stay rare, query: "{ERRORS}", hold: {{below: 2%, for: 3 steps}}}}
method:
  - {{fault: zone-outage, select: {{zone: us-east-1a}}, with: {{mode: unreachable}}, for: 20s}}
limits: {{instances: 40, min-healthy: 1}}
recovery: {{within: 20s}}
"""


def simulated_command_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> SimulatedWorld:
    """The world that `run_cli` then runs in; all is well in it. `told` has the runs' events."""
    made = SimulatedWorld(folder)
    made.store.values[ERRORS] = lambda _end, _hit: 0.001
    environment = {**made.context.env, "CHAOSCTL_CONFIG": str(folder / "none.toml")}
    made.context = replace(made.context, env=environment)

    def setup(**fields: Any) -> Setup:
        view = fields.pop("listen")
        fields["attend"] = made.attend

        def listen(event: Mapping[str, Any]) -> None:
            view(event)
            made.listen(event)

        return Setup(**fields, listen=listen, start_watchdog=made.start_watchdog)

    monkeypatch.setattr("chaosctl.context.Context", lambda: made.context)
    monkeypatch.setattr("chaosctl.engine.run.Setup", setup)
    monkeypatch.setattr(
        "chaosctl.worlds.open_world", lambda *_: lambda _say: World(made.target, made.store)
    )
    monkeypatch.setattr("chaosctl.worlds.undoer_for", lambda _context: lambda _name: made.target)
    return made
