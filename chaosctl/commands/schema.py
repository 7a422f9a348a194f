"""`chaosctl schema`: JSON Schema of the experiment document."""

from __future__ import annotations


def schema() -> int:
    """Print the JSON Schema of the experiment document, for editors and other programs.

    Exits 0.

    Examples: chaosctl schema > experiment.schema.json
    """
    import json

    from chaosctl.experiment.schema import experiment_schema
    from monkeys.faults import FAULTS

    print(json.dumps(experiment_schema(FAULTS), indent=2))
    return 0
