"""How much a person must say before a run, decided by the same rule as on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chaosctl.engine.approval import Approval, approval_for
from chaosctl.errors import ChaosctlError
from chaosctl.experiment.load import find, load_found
from chaosctl.experiment.model import TargetSpec

PLAN_S_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Consent:
    """The command once a person has agreed. typed: what must be written for that; empty: `y`."""

    arguments: tuple[str, ...]
    typed: str = ""


def consent_for(arguments: Sequence[str], env: Mapping[str, str]) -> Consent:
    """What a `run` needs. Asked here, because it has no terminal to ask on itself.

    Raises ChaosctlError if a document cannot be read or the target's name cannot be had.
    """
    approvals = {approval_for(target) for target in _targets(arguments)}
    if not approvals - {Approval.NONE}:
        return Consent(tuple(arguments))
    agreed = (*arguments, *(() if "--yes" in arguments else ("--yes",)))
    if Approval.NAME not in approvals:
        return Consent(agreed)
    return Consent(agreed, _target_id(arguments, env))


def dry_run(arguments: Sequence[str]) -> list[str]:
    """The command that shows what a `run` would do, and touches nothing."""
    return [*arguments, "--dry-run"]


def _targets(arguments: Sequence[str]) -> list[TargetSpec]:
    words = list(arguments[1:])
    settings = [words[i + 1] for i, word in enumerate(words[:-1]) if word == "--set"]
    targets = []
    for word in words:
        if word.startswith("-") or word in settings:
            continue
        try:
            document = find(word)
        except ChaosctlError:
            continue  # the value of an option, or a name that the plan refuses anyway
        targets.append(load_found(document, settings).experiment.target)
    return targets


def _target_id(arguments: Sequence[str], env: Mapping[str, str]) -> str:
    command = [sys.executable, "-m", "chaosctl", *dry_run(arguments), "--json"]
    try:
        done = subprocess.run(
            command,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PLAN_S_MAX,
            check=False,
        )
        return str(json.loads(done.stdout.splitlines()[0])["target_id"])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError, KeyError) as error:
        raise ChaosctlError(
            "the target's name cannot be had, so that nobody can say yes",
            where="plan",
            fix="`chaosctl plan` with the same words says why",
        ) from error
