"""`chaosctl doctor`: what works on this machine, and how to get the rest."""

from __future__ import annotations

import sys

from chaosctl.commands.options import AsJson


def doctor(as_json: AsJson = False) -> int:
    """Say what works on this machine and how to get the rest.

    Exits 0 when the demo platform and its network faults work, 3 when something is missing.

    Examples: chaosctl doctor | chaosctl doctor --json
    """
    import json

    from chaosctl.context import Context
    from chaosctl.doctor import examine

    findings = examine(Context())
    if as_json:
        rows = [
            {"name": f.name, "works": f.works, "what": f.what, "fix": f.fix, "needed": f.needed}
            for f in findings
        ]
        print(json.dumps({"schema": "chaosctl/doctor/v1", "findings": rows}))
    else:
        width = max(len(f.name) for f in findings)
        for finding in findings:
            mark = "ok  " if finding.works else ("FAIL" if finding.needed else "-   ")
            print(f"{mark} {finding.name:<{width}}  {finding.what}")
            if finding.fix:
                print(f"     {'':<{width}}  fix: {finding.fix}")
    missing = [f for f in findings if f.needed and not f.works]
    if missing:
        print(f"{len(missing)} thing(s) missing; see the fixes", file=sys.stderr)
    return 3 if missing else 0
