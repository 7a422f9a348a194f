"""JSON Schema of the experiment document, from the same table that reads it."""

from __future__ import annotations

from typing import Any

from chaosctl.experiment.document import document_form
from chaosctl.experiment.items import SCHEMA_NAME, ItemForm
from chaosctl.experiment.steps import Faults


def experiment_schema(faults: Faults) -> dict[str, Any]:
    """The schema, for editors and other programs."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "chaosctl/experiment/v1",
        "title": "chaosctl experiment",
        **document_form(faults).schema(),
        "$defs": {SCHEMA_NAME: ItemForm(faults).definition()},
    }
