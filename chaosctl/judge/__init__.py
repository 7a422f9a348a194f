"""The judge: hypotheses, verdicts, and nothing that touches anything."""
